"""What is installed is what was looked at: pins, hashes, and programs that install."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from requirements import third_party, update

ROOT = Path(__file__).parents[2]
PIN = f"idna==3.10 --hash=sha256:{'a' * 64}"
INSTALLS = re.compile(r"(?:\bpip|\buv\"? pip|-m pip) (?:install|download|wheel|sync)\b[^\n]*")


def test_every_pin_is_exact_and_has_its_hashes() -> None:
    assert third_party.check_pins() == 0


def test_a_pin_in_several_lines_or_with_a_marker_is_exact() -> None:
    text = f"# a comment\nidna==3.10 ; sys_platform == 'linux' \\\n    --hash=sha256:{'a' * 64}\n"
    assert third_party.loose_pins(text + "    # via requests\n" + PIN) == []


@pytest.mark.parametrize(
    "line",
    ["idna", "idna>=3.10", "idna==3.*", "idna==3.10", "idna==3.10 --hash=md5:" + "a" * 32,
     "idna @ https://files.example/idna.whl", "git+https://git.example/idna", "-e .", "./idna.whl",
     "--extra-index-url https://files.example/simple", "-r more.txt", "-i https://files.example",
     f"{PIN} --extra-index-url https://files.example"],
)  # fmt: skip
def test_a_loose_one_is_found(line: str) -> None:
    assert third_party.loose_pins(f"{PIN}\n{line}\n") == [line]


def test_every_program_that_installs_demands_hashes() -> None:
    """Not what a document tells a developer to try, nor comments."""
    files = [ROOT / "Containerfile", ROOT / "Makefile", *ROOT.glob("ansible/**/*.yml"),
             *ROOT.glob("ansible/**/*.sh"), *ROOT.glob("requirements/*.sh"), *ROOT.glob(".ci/*"),
             *ROOT.glob("tests/*.sh"), *ROOT.glob(".github/**/*.yml")]  # fmt: skip
    found = [
        line[0] for file in files for line in INSTALLS.finditer(_without_comments(file.read_text()))
    ]
    assert len(found) >= 6
    assert [line for line in found if "--require-hashes" not in line] == []


def _without_comments(text: str) -> str:
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def test_actions_of_ci_are_pinned_by_their_commit() -> None:
    used = re.findall(r"uses: (\S+)", (ROOT / ".github/workflows/ci.yml").read_text())
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", one)] == []


def test_what_an_update_changed_is_told_with_how_far() -> None:
    before = {"django (a serving host)": "5.2.1", "idna (tests)": "3.9", "gone (tests)": "1"}
    after = {"django (a serving host)": "6.0", "idna (tests)": "3.9", "new (tests)": "1"}
    assert update.changed_versions(before, after) == [
        "  django (a serving host): 5.2.1 → 6.0  a new major version: read its changes",
        "  gone (tests): 1 → gone",
        "  new (tests): not there → 1",
    ]
    assert "OLDER" in update.changed_versions({"a (b)": "2"}, {"a (b)": "1"})[0]


@pytest.mark.parametrize("asked", [["--package"], ["--none"], ["django"]])
def test_a_wrong_option_of_the_update_is_one_sentence(asked: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "requirements.update", *asked], cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
