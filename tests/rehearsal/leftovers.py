"""Removal of what a killed rehearsal left: all of it carries the pid of its process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.rehearsal import machine

PREFIX = "rehearsal-"
NAMES = Path("/run/netns")
FOLDERS = Path("/var/tmp")
NEW_MOUNTS = 0x20000  # CLONE_NEWNS
GONE_S = 10


def run_name() -> str:
    return f"{PREFIX}{os.getpid()}"


def own_mounts() -> None:
    """Move this process to its own mount namespace, which ends with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rslave", "/"], check=True)


@contextlib.contextmanager
def rehearsal_folder() -> Iterator[Path]:
    """The rehearsal's folder, in memory: hosts' disks, stores' data, certificates."""
    path = FOLDERS / run_name()
    path.mkdir(mode=0o700)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "mode=0700,size=75%", path.name, path], check=True
        )
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=False)
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def one_group() -> Iterator[None]:
    """Put all processes that this one starts into one cgroup, which ends with the block."""
    trees = machine.cgroup_trees()
    before = [_own_group(tree) for tree in trees]
    try:
        for tree in trees:
            _join_group(tree / run_name() / "operator")
        yield
    finally:
        for tree, group in zip(trees, before, strict=True):
            _join_group(group)
            end_group(tree / run_name())


def cpu_seconds() -> float:
    """CPU seconds of that cgroup until now; 0 before it exists."""
    with contextlib.suppress(OSError, StopIteration):
        stat = (machine.cgroup_trees()[-1] / run_name() / "cpu.stat").read_text()
        line = next(line for line in stat.splitlines() if line.startswith("usage_usec"))
        return int(line.split()[1]) / 1e6
    return 0.0


def _own_group(tree: Path) -> Path:
    """This process's path in a cgroup tree, by /proc: `0::/path` for cgroup2,
    `N:name=systemd:/path`."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    kind = "name=systemd" if tree.name == "systemd" else ""
    path = next((line.split(":", 2)[2] for line in lines if line.split(":")[1] == kind), "/")
    group = tree / path.lstrip("/")
    return group if group.is_dir() else tree


def _join_group(group: Path) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.procs").write_text(str(os.getpid()))


def sweep_leftovers() -> None:
    """Remove what rehearsals left whose process has ended."""
    for tree in machine.cgroup_trees():
        for group in _left_behind(tree):
            end_group(group)
    for name in _left_behind(NAMES):
        subprocess.run(["ip", "netns", "del", name.name], capture_output=True, check=False)
        name.unlink(missing_ok=True)
    for path in _left_behind(FOLDERS):
        shutil.rmtree(path, ignore_errors=True)


def _left_behind(where: Path) -> list[Path]:
    if not where.exists():
        return []
    return [file for file in where.glob(f"{PREFIX}*") if not _is_alive(file.name.split("-")[1])]


def _is_alive(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def end_group(group: Path) -> None:
    """Kill all processes in a cgroup or below, and remove it."""
    deadline = time.monotonic() + GONE_S
    while group.exists() and time.monotonic() < deadline:
        for procs in group.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                for pid in procs.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
        for path in sorted(group.rglob("*/"), reverse=True):
            with contextlib.suppress(OSError):
                path.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.02)
