"""The wheels that hosts install: built once for the pins in force, kept outside git."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.rehearsal import base
from tests.rehearsal.cloud import ROOT

PINS = ("run.txt", "mysql.txt")
# The hosts' own Python, where this machine has it: pins depend on its third number, too.
PYTHON = "/usr/bin/python3.11"
SCRIPT = ROOT / "ansible" / "wheelhouse.sh"


def path() -> Path:
    said = hashlib.sha256(b"".join((ROOT / "requirements" / pin).read_bytes() for pin in PINS))
    return base.cache() / f"wheels-{said.hexdigest()[:12]}.tar"


def make() -> Path:
    """The archive; built if it isn't there, which takes half a minute and a way to PyPI."""
    file = path()
    if not file.exists():
        python = PYTHON if Path(PYTHON).exists() else sys.executable
        new = file.with_suffix(".new")
        subprocess.run(["sh", str(SCRIPT), str(new), python], check=True, stderr=subprocess.DEVNULL)
        for old in base.cache().glob("wheels-*.tar"):
            old.unlink()
        new.rename(file)
    return file
