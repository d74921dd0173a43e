"""The packages that hosts unpack: built once for the current pins, cached outside git."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.rehearsal import base
from tests.rehearsal.cloud import ROOT

# Purposes of hosts, and their pins.
PINS = {"run": ("run.txt", "mysql.txt", "tracing.txt"), "loadgen": ("loadgen.txt",)}
# The hosts' Python if this machine has it: pins depend on its patch version, too.
PYTHON = "/usr/bin/python3.11"
SCRIPT = ROOT / "ansible" / "wheelhouse.sh"


def archive_path(what: str) -> Path:
    texts = [(ROOT / "requirements" / pin).read_bytes() for pin in PINS[what]]
    said = hashlib.sha256(b"".join([*texts, SCRIPT.read_bytes()])).hexdigest()
    return base.cache_folder() / f"{what}-wheels-{said[:12]}.tar.gz"


def archives_ready() -> bool:
    return all(archive_path(what).exists() for what in PINS)


def make_archive(what: str) -> Path:
    """The archive; built if it is missing, which takes half a minute and access to PyPI."""
    file = archive_path(what)
    if not file.exists():
        python = PYTHON if Path(PYTHON).exists() else sys.executable
        new = file.with_suffix(".new")
        subprocess.run(
            ["sh", str(SCRIPT), str(new), python, what], check=True, stderr=subprocess.DEVNULL
        )
        for old in base.cache_folder().glob(f"{what}-wheels-*"):
            if old != new:
                old.unlink()
        new.rename(file)
    return file
