"""`python -m requirements.third_party licences|sbom|pins`: the packages of others that we use.

    licences   build/licences.md: name, version, licence, and who installs it
    sbom       build/sbom.json: what a serving host installs, with hashes and licences, as CycloneDX
    pins       nothing is written: fails for a pin that is not exact or has no hash

The first two read the pins of requirements/*.txt, and the licences from what is installed beside
this Python (`make` installs everything first). Exit status 1 if a licence is unknown, or if the
SBOM does not follow its schema."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coupons import __version__

PINS = Path(__file__).parent
BUILD = PINS.parent / "build"
HOST = ("run", "mysql", "tracing")
# Who installs it, and the files of pins; a package is listed where it comes first.
PARTS = {
    "a serving host": HOST,
    "`make run` on one machine": ("laptop",),
    "operators": ("tools", "collections"),
    "tests": ("test",),
}
# Not installed as packages: install.sh unpacks what it needs of it.
UNPACKED = {"ansible": "GPL-3.0-or-later"}
# Their metadata have no licence, but they contain its text.
WITH_LICENCE_TEXT = {"axe-playwright-python": "MIT, with axe-core under MPL-2.0"}
STATED = UNPACKED | WITH_LICENCE_TEXT
UNKNOWN = "unknown"


def pinned_requirements(part: str) -> Iterator[Requirement]:
    """Those that this platform and this Python install."""
    text = (PINS / f"{part}.txt").read_text()
    for line in re.findall(r"^([a-z0-9].*?) *\\?$", text, re.MULTILINE):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def licence_of(name: str) -> str:
    """By the package's own metadata: an SPDX expression if it has one."""
    if name in STATED:
        return STATED[name]
    try:
        fields = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    lines = fields.get_all("License-Expression", []) + fields.get_all("License", [])
    stated = lines[0].strip() if lines else ""
    if stated and "\n" not in stated and len(stated) < 80 and stated.lower() != UNKNOWN:
        return stated
    classified = [
        line.rpartition(" :: ")[2]
        for line in fields.get_all("Classifier", [])
        if line.startswith("License ::") and not line.endswith(":: OSI Approved")
    ]
    return ", ".join(classified) or UNKNOWN


def licence_rows() -> Iterator[tuple[str, str, str, str]]:
    """Name, version, licence, who installs it."""
    listed: set[str] = set()
    for who, parts in PARTS.items():
        found = {r.name: r for part in parts for r in pinned_requirements(part)}
        for name in sorted(found.keys() - listed):
            version = str(found[name].specifier).removeprefix("==")
            yield name, version, licence_of(name), who
        listed |= found.keys()


def write_licences(out: Path) -> list[str]:
    """The names of the packages whose licence is unknown."""
    rows = list(licence_rows())
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    out.write_text(
        "# Third-party packages\n\nWritten by `make licences`; requirements/README.md says what the"
        " licences mean.\n\n| package | version | licence | installed by |\n|---|---|---|---|\n"
        f"{table}\n"
    )
    return [row[0] for row in rows if row[2] == UNKNOWN]


def write_sbom(out: Path) -> list[str]:
    """What the schema says against it."""
    bill = _cyclonedx_of_pins()
    bill["metadata"]["component"]["version"] = __version__
    for component in bill["components"]:
        del component["description"]  # the line of the pin, which says no more
        component["licenses"] = [{"license": {"name": licence_of(component["name"])}}]
    out.write_text(json.dumps(bill, indent=2) + "\n")
    said = JsonStrictValidator(SchemaVersion.V1_6).validate_str(out.read_text())
    return [str(said)] if said else []


def _cyclonedx_of_pins() -> Any:
    """Every pin once, with its hashes; without licences, which pins do not name."""
    names = {canonicalize_name(r.name) for part in HOST for r in pinned_requirements(part)}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as whole:
        whole.write("".join(f"-r {PINS / part}.txt\n" for part in HOST))
        whole.flush()
        done = subprocess.run(
            [sys.executable, "-m", "cyclonedx_py", "requirements", whole.name, "--pyproject",
             str(PINS.parent / "pyproject.toml"), "--spec-version", "1.6", "--output-reproducible"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    bill = json.loads(done.stdout)
    once = {c["name"]: c for c in bill["components"] if canonicalize_name(c["name"]) in names}
    bill["components"] = list(once.values())
    refs = [component["bom-ref"] for component in once.values()]
    root = bill["metadata"]["component"]["bom-ref"]  # pins do not say which needs which
    bill["dependencies"] = [{"ref": root, "dependsOn": refs}]
    return bill


def loose_pins(text: str) -> list[str]:
    """The lines of a file of pins that leave open what is installed: no exact version, no SHA-256,
    an address, an option that brings another index or file."""
    pins = re.sub(r" *\\\n *", " ", text).splitlines()
    return [
        line
        for line in pins
        if line.strip() and not line.lstrip().startswith("#") and not _EXACT.fullmatch(line)
    ]


_EXACT = re.compile(
    r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==[a-z0-9.+!-]+( ; [^;#]+?)?( --hash=sha256:[0-9a-f]{64})+"
)


def check_pins() -> int:
    """The exit status."""
    files = [PINS.parent / "requirements.txt", *sorted(PINS.glob("*.txt"))]
    wrong = [f"  ✗ {file.name}: {line}" for file in files for line in loose_pins(file.read_text())]
    print("\n".join(wrong) or f"Every pin of {len(files)} files is exact and has its hashes.")
    return 1 if wrong else 0


WRITERS = {"licences": (write_licences, "licences.md"), "sbom": (write_sbom, "sbom.json")}


def main() -> int:
    if sys.argv[1:] == ["pins"]:
        return check_pins()
    if len(sys.argv) != 2 or sys.argv[1] not in WRITERS:
        print(__doc__, file=sys.stderr)
        return 2
    writer, name = WRITERS[sys.argv[1]]
    BUILD.mkdir(exist_ok=True)
    wrong = writer(BUILD / name)
    print(f"Wrote build/{name}." + "".join(f"\n  ✗ {what}" for what in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
