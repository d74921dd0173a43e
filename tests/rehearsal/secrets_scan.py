"""Runs on a host as root: searches for secrets that other users could read.

Reads the secrets from stdin, a line each. Prints a line for every file that others may read, every
process's command line and every journal line that contains one. It prints the place, never the
secret. Standard library only.
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
    """Files that users can read who are neither the owner nor in the group."""
    for top in FOLDERS:
        if not is_enterable(Path(top)):
            continue
        for folder, below, names in os.walk(top):
            below[:] = [name for name in below if is_enterable(Path(folder) / name)]
            yield from (Path(folder) / name for name in names if is_small(Path(folder) / name))


def is_enterable(folder: Path) -> bool:
    """Whether any user can enter the folder; links are skipped, since their targets are
    searched."""
    status = file_mode(folder)
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_IXOTH) if status else False


def is_small(file: Path) -> bool:
    """Whether the file is small, and readable by any user."""
    status = file_mode(file)
    if not status or not stat.S_ISREG(status.st_mode):
        return False
    return bool(status.st_mode & stat.S_IROTH) and status.st_size < LARGEST


def file_mode(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None  # removed meanwhile


def holds_secret(content: bytes, secrets: list[bytes]) -> bool:
    return any(secret in content for secret in secrets)


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
