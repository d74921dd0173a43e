"""The packages that hosts unpack: built once for the current pins, cached outside git.

They are built by the hosts' own Python, in a root of the hosts' distribution: what is compiled
here fits there, and markers in the pins are read by the same version.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from tests.rehearsal import base
from tests.rehearsal.cloud import ROOT

# Purposes of hosts, and their pins.
PINS = {"run": ("run.txt", "mysql.txt", "tracing.txt"), "loadgen": ("loadgen.txt",)}
SCRIPT = ROOT / "ansible" / "wheelhouse.sh"
# What a machine needs to reach its package mirrors; the builder sees it while it builds.
MIRRORS = (
    "/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/pip.conf", "/opt",
    str(Path.home() / ".config" / "pip"),
)  # fmt: skip
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Of this machine, and without a meaning in the builder.
NOT_THERE = ("PYTHON", "VIRTUAL_ENV", "TMPDIR", "LANG", "LC_")
# In a mount namespace of its own: $1 the builder, the archive's folder, this checkout, then the
# mirrors, each mounted at the same path; after -- the command.
WITHIN = """
root=$1 && shift
mount --make-rprivate /
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$1"
  elif [ -e "$1" ]; then mkdir -p "$root$(dirname "$1")" && [ -e "$root$1" ] || : >"$root$1"
  else shift && continue
  fi
  mount --rbind "$1" "$root$1"
  shift
done
shift
exec chroot "$root" "$@"
"""


def archive_path(what: str) -> Path:
    texts = [(ROOT / "requirements" / pin).read_bytes() for pin in PINS[what]]
    made_by = (base.BUILDER.path.name.encode(), SCRIPT.read_bytes())
    said = hashlib.sha256(b"".join([*texts, *made_by])).hexdigest()
    return base.cache_folder() / f"{what}-wheels-{said[:12]}.tar.gz"


def archives_ready() -> bool:
    return all(archive_path(what).exists() for what in PINS)


def make_archive(what: str) -> Path:
    """The archive; built if it is missing, which takes half a minute, a minute more the first time,
    and access to PyPI. Raises RuntimeError."""
    file = archive_path(what)
    if not file.exists():
        new = file.with_suffix(".new")
        _build(what, new)
        for old in base.cache_folder().glob(f"{what}-wheels-*"):
            if old != new:
                old.unlink()
        new.rename(file)
    return file


def _build(what: str, file: Path) -> None:
    root = base.BUILDER.make()
    places = ("/dev", "/proc", str(file.parent), str(ROOT), *MIRRORS)
    command = ("sh", str(SCRIPT), str(file), "python3", what)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", WITHIN, "sh", str(root), *places, "--", *command],
        env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the packages for {what} can't be built: {done.stderr[-2000:]}")


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(NOT_THERE)}
    return kept | {"PATH": PATH, "LANG": "C.UTF-8"}
