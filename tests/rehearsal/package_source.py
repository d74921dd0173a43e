"""A source of packages on a host's own disk, which apt reads as it reads a mirror: packages of the
image, as newer versions."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from tests.rehearsal import base
from tests.rehearsal.network import run_command

FOLDER = "var/local/packages"
SOURCE = f"deb [trusted=yes] file:/{FOLDER} ./\n"
# As Debian's security archive calls itself, so that unattended-upgrades takes what is in it.
RELEASE = f"""Origin: Debian
Label: Debian-Security
Suite: stable-security
Codename: {base.SUITE}-security
Date: Thu, 01 Jan 2026 00:00:00 UTC
SHA256:
 {{sha256}} {{size}} Packages
"""
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "triggers", "shlibs", "symbols", "conffiles")


def offer_package(root: Path, name: str, *, suffix: str, after: str = "") -> None:
    """Add a package of the image to the source on the disk `root`: with the same files, its version
    followed by `suffix`, and a script that runs after its installation. Hosts see it when they
    update their lists."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (root / "etc/apt/sources.list").write_text(SOURCE)
    with tempfile.TemporaryDirectory() as tree:
        _copy_package(Path(tree), name, suffix, after)
        build = ("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build")
        run_command(*build, tree, str(folder / f"{name}.deb"))
    _write_index(folder)


def _copy_package(tree: Path, name: str, suffix: str, after: str) -> None:
    image, control = base.HOSTS.path, tree / "DEBIAN"
    known = ("dpkg-query", f"--admindir={image}/var/lib/dpkg")
    control.mkdir(mode=0o755)
    fields = run_command(*known, "-s", name).splitlines()
    (control / "control").write_text(_next_control(fields, suffix))
    qualified = run_command(*known, "-W", "-f", "${binary:Package}", name)
    for kind in SCRIPTS:
        file = image / "var/lib/dpkg/info" / f"{qualified}.{kind}"
        if file.exists():
            shutil.copy2(file, control / kind)
    if after:
        _add_script(control / "postinst", after)
    files = [f".{file}" for file in run_command(*known, "-L", name).splitlines()]
    listed = "\0".join(file for file in files if not (image / file).is_dir())
    copy = 'cd "$1" && xargs -0 cp -a --parents -t "$2"'
    run_command("sh", "-ec", copy, "sh", str(image), str(tree), given=listed)


def _add_script(file: Path, first: str) -> None:
    """Let a maintainer script of the package, which may not exist, begin with these lines."""
    before = file.read_text() if file.exists() else "#!/bin/sh\nset -e\n"
    shebang, _, rest = before.partition("\n")
    file.write_text(f"{shebang}\n{first}\n{rest}")
    file.chmod(0o755)


def _next_control(fields: list[str], suffix: str) -> str:
    """The control file of the next version: without what dpkg adds for an installed package."""
    kept, inside = [], False
    for line in fields:
        inside = line.startswith("Conffiles:") or (inside and line.startswith(" "))
        if not inside and not line.startswith("Status:"):
            kept.append(f"{line}{suffix}" if line.startswith("Version:") else line)
    return "\n".join(kept) + "\n"


def _write_index(folder: Path) -> None:
    entries = []
    for file in sorted(folder.glob("*.deb")):
        said = hashlib.sha256(file.read_bytes()).hexdigest()
        control = run_command("dpkg-deb", "-f", str(file)).strip()
        size = file.stat().st_size
        entries.append(f"{control}\nFilename: ./{file.name}\nSize: {size}\nSHA256: {said}\n")
    index = "\n".join(entries)
    (folder / "Packages").write_text(index)
    said = hashlib.sha256(index.encode()).hexdigest()
    (folder / "Release").write_text(RELEASE.format(sha256=said, size=len(index.encode())))
