"""Run on a host as root: who could read our secrets there?

Reads the secrets from stdin, a line each. Prints a line for every file that others may read and
that holds one, every process whose command line does, and every journal line that does. It
prints where, never what. Standard library only.
"""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var")
LARGEST = 4_000_000  # bytes; wheels and databases of package names hold no settings


def readable_files() -> Iterator[Path]:
    """Files that somebody can read who is neither their owner nor of their group."""
    for top in FOLDERS:
        if not is_enterable(Path(top)):
            continue
        for folder, below, names in os.walk(top):
            below[:] = [name for name in below if is_enterable(Path(folder) / name)]
            yield from (Path(folder) / name for name in names if is_small(Path(folder) / name))


def is_enterable(folder: Path) -> bool:
    """By anybody; links lead to what is looked at by its own name."""
    said = file_mode(folder)
    return stat.S_ISDIR(said.st_mode) and bool(said.st_mode & stat.S_IXOTH) if said else False


def is_small(file: Path) -> bool:
    """And readable by anybody."""
    said = file_mode(file)
    if not said or not stat.S_ISREG(said.st_mode):
        return False
    return bool(said.st_mode & stat.S_IROTH) and said.st_size < LARGEST


def file_mode(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None  # it is gone meanwhile


def holds_secret(said: bytes, secrets: list[bytes]) -> bool:
    return any(secret in said for secret in secrets)


def read_content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""  # it ended meanwhile


def main() -> None:
    secrets = [line for line in sys.stdin.buffer.read().splitlines() if line]
    assert secrets
    for file in readable_files():
        if holds_secret(read_content(file), secrets):
            print(f"{file} may be read by others")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        if int(process.parent.name) != os.getpid() and holds_secret(read_content(process), secrets):
            print(f"process {process.parent.name} was started with one")
    journal = subprocess.run(["journalctl", "--output=cat"], capture_output=True, check=False)
    if holds_secret(journal.stdout, secrets):
        print("the journal holds one")


main()
