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


def readable(file: Path) -> bool:
    """By somebody who isn't the owner or of the group, who has to get there first."""
    try:
        said = file.lstat()
        small = stat.S_ISREG(said.st_mode) and said.st_size < LARGEST
        return (
            small
            and bool(said.st_mode & stat.S_IROTH)
            and all(one.stat().st_mode & stat.S_IXOTH for one in file.parents)
        )
    except OSError:
        return False


def files() -> Iterator[Path]:
    for top in FOLDERS:
        for folder, below, names in os.walk(top):
            below[:] = [name for name in below if not (Path(folder) / name).is_symlink()]
            yield from (Path(folder) / name for name in names)


def holds(said: bytes, secrets: list[bytes]) -> bool:
    return any(secret in said for secret in secrets)


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""  # it ended meanwhile


def main() -> None:
    secrets = [line for line in sys.stdin.buffer.read().splitlines() if line]
    assert secrets
    for file in files():
        if readable(file) and holds(read(file), secrets):
            print(f"{file} may be read by others")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        if int(process.parent.name) != os.getpid() and holds(read(process), secrets):
            print(f"process {process.parent.name} was started with one")
    journal = subprocess.run(["journalctl", "--output=cat"], capture_output=True, check=False)
    if holds(journal.stdout, secrets):
        print("the journal holds one")


main()
