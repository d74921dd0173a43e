"""15.1: every place that names the accepted systems and Python versions names the same ones."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from provisioning.spec import model
from provisioning.spec.releases import UBUNTU
from tests.rehearsal import base

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "ansible" / "roles"
SYSTEMS = {"Debian 12": "bookworm", "Debian 13": "trixie",
           "Ubuntu 24.04": "noble", "Ubuntu 26.04": "resolute"}  # fmt: skip
FIRST, LAST = "3.11", "3.14"


def system_pythons() -> dict[str, str]:
    """The Python of each system, by the role `python`."""
    (table,) = re.findall(r"\{'.*?\}", (ROLES / "python/defaults/main.yml").read_text())
    found: dict[str, str] = ast.literal_eval(table)
    return found


def test_15_1_the_first_role_accepts_these_systems_and_names_them() -> None:
    check = yaml.safe_load((ROLES / "common/tasks/main.yml").read_text())[0][
        "ansible.builtin.assert"
    ]
    assert ast.literal_eval(check["that"].partition(" in ")[2]) == list(SYSTEMS)
    for word in ("Debian 12 and 13", "Ubuntu 24.04 and 26.04"):
        assert word in check["fail_msg"]
        assert word in (ROOT / "ansible" / "README.md").read_text()


def test_15_1_each_system_has_a_python_that_is_accepted() -> None:
    pythons = system_pythons()
    assert pythons.keys() == SYSTEMS.keys()
    minors = {int(version.partition(".")[2]) for version in pythons.values()}
    assert minors <= set(range(11, 15))


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir()))
def test_15_1_each_role_s_metadata_names_them(role: str) -> None:
    meta = yaml.safe_load((ROLES / role / "meta" / "main.yml").read_text())["galaxy_info"]
    named = {name for platform in meta["platforms"] for name in platform["versions"]}
    assert named == set(SYSTEMS.values())


def test_15_1_images_are_of_systems_that_the_roles_accept() -> None:
    ubuntus = {name.removeprefix("Ubuntu "): code for name, code in SYSTEMS.items() if "Ub" in name}
    assert ubuntus == UBUNTU
    assert model.Image().release in UBUNTU


def test_15_1_the_accepted_versions_of_python_are_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == ">=3.11,<3.15"
    assert project["tool"]["mypy"]["python_version"] == FIRST
    assert project["tool"]["ruff"]["target-version"] == f"py{FIRST.replace('.', '')}"
    install = (ROOT / "requirements" / "install.sh").read_text()
    assert "(3, 11) <= sys.version_info[:2] <= (3, 14)" in install
    assert f"Python {FIRST} to {LAST} is needed" in install
    assert f"--python-version={FIRST}" in (ROOT / "requirements" / "compile.sh").read_text()
    assert f"Python {FIRST} to {LAST}." in (ROOT / "README.md").read_text()
    assert f"Python {FIRST}~{LAST}" in (ROOT / "README.ko.md").read_text()
    assert f"for {FIRST} to {LAST}." in (ROLES / "python/defaults/main.yml").read_text()


def test_15_1_no_page_speaks_of_a_python_outside_of_them() -> None:
    """Except the next one: requirements/README.md explains why it is not accepted."""
    for page in ROOT.rglob("*.md"):
        if page.name in ("CHANGELOG.md", "DECISIONS.md") or ".venv" in page.parts:
            continue
        named = set(re.findall(r"\b[Pp]ython ?(3\.\d+)", page.read_text()))
        named -= {"3.15"} if page.parent.name == "requirements" else set()
        assert named <= {"3.11", "3.12", "3.13", "3.14"}, page


def test_15_1_pages_name_the_system_that_the_rehearsal_installs() -> None:
    (name,) = (name for name, code in SYSTEMS.items() if code == base.SUITE)
    assert f"Rehearsed on {name} " in (ROOT / "ansible" / "README.md").read_text()
    assert f"{name} under systemd-nspawn" in (ROOT / "tests/rehearsal/README.md").read_text()
