"""`python -m requirements.update [--package NAME …] [--no-tests]`: moves the pins to the newest.

Compiles the pins anew, shows which versions changed and for whom, installs them and runs `make
check test`. Nothing is committed: `git diff` shows all of it, `git checkout requirements.txt
requirements` takes it back. Exit status 1 if a check or a test fails with the new versions."""

import subprocess
import sys

from packaging.version import Version

from coupons.management.arguments import SentenceParser
from requirements.third_party import PARTS, PINS, pinned_requirements

TOP = PINS.parent
COMPILED = ("peers", "loadgen")
TAKE_BACK = "  git checkout requirements.txt requirements"
Pins = dict[str, str]


def main() -> int:
    asked = _parser().parse_args()
    before = _versions()
    print("Asking the index for newer versions …", flush=True)
    wanted = [f"--upgrade-package={name}" for name in asked.package] or ["--upgrade"]
    if subprocess.run(["sh", str(PINS / "compile.sh"), *wanted], check=False).returncode:
        print("✗ The pins could not be compiled; uv says above why. It reads UV_DEFAULT_INDEX, not")
        print("  pip's configuration. To take back what was moved so far:")
        print(TAKE_BACK)
        return 1
    lines = changed_versions(before, _versions())
    print("\n".join(lines) or "No version changed.")
    if not lines:
        return 0
    if asked.no_tests:
        print("Not installed and not tested (--no-tests).")
        return 0
    tested = subprocess.run(["make", "check", "test"], cwd=TOP, check=False)
    if tested.returncode:
        print("✗ With these versions a check or a test fails. To take them back:")
        print(TAKE_BACK)
        return 1
    print("✓ Everything holds with these versions: look at `git diff`, run .ci/run, commit.")
    return 0


def changed_versions(before: Pins, after: Pins) -> list[str]:
    """A line for each package whose version is another. Both map "name (who)" to a version."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        lines.append(f"  {name}: {old or 'not there'} → {new or 'gone'}{_how_far(old, new)}")
    return lines


def _how_far(old: str | None, new: str | None) -> str:
    if not old or not new:
        return ""
    was, is_now = Version(old), Version(new)
    if was > is_now:
        return "  OLDER than before"
    return "  a new major version: read its changes" if was.major != is_now.major else ""


def _versions() -> Pins:
    found: Pins = {}
    named: set[str] = set()
    who_installs = PARTS | {"other programs": COMPILED}
    for who, parts in who_installs.items():
        for part in parts:
            for one in pinned_requirements(part):
                if one.name not in named:
                    named.add(one.name)
                    found[f"{one.name} ({who})"] = str(one.specifier).removeprefix("==")
    return found


def _parser() -> SentenceParser:
    parser = SentenceParser(prog="python -m requirements.update", description=__doc__)
    parser.add_argument("--package", action="append", default=[], metavar="NAME",
                        help="only this one, and what it needs; may be repeated")  # fmt: skip
    parser.add_argument("--no-tests", action="store_true", help="compile and show only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
