"""Exhausted resources of this host, for a moment: a small disk, and nearly all memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A mounted disk of 16 MB, in a file."""
    if os.geteuid():
        pytest.skip("only root can mount a disk")
    image, where = folder / "disk.img", folder / "disk"
    image.write_bytes(b"")
    os.truncate(image, 16 * 2**20)
    where.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    if subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=False).returncode:
        pytest.skip("this machine has no loop devices")
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


@contextmanager
def little_memory_left() -> Iterator[None]:
    """A process takes all memory but seven percent; the kernel kills it first if that is too
    much."""
    hog = subprocess.Popen(
        [sys.executable, "-c", _HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with hog:
        try:
            assert hog.stdout is not None
            if hog.stdout.readline() != "full\n":
                pytest.skip(f"this machine gives nobody so much memory ({hog.wait()})")
            yield
        finally:
            hog.kill()


_HOG = """
import mmap, os, sys
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("1000")
def kib(name):
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))
least, taken = 0.07 * kib("MemTotal"), []
while (over := kib("MemAvailable") - least) > 0:
    size = int(min(over + 1024, 2**18)) // 4 * 4096  # a quarter of a gigabyte at most
    taken.append(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE))
print("full", flush=True)
sys.stdin.read()
"""
