"""A door imports what it serves, and not what the others do: memory and time of every process."""

import json
import os
from pathlib import Path

import pytest

from config import env
from config.doors import Door
from tests.harness.forked_python import run_python

PACKAGES = """
import json, sys
import config.wsgi
names = set(sys.modules)
print(json.dumps([name for name in {} if any(f"{{one}}.".startswith(name + ".") for one in names)]))
"""
OPERATORS = ["coupons.admin", "django_otp", "segno", "config.middleware", "config.urls.operators"]
DESCRIPTION = ["drf_spectacular", "coupons.api.schemas", "coupons.api.v1.descriptions"]
# What DRF and drf-spectacular would bring for tests.
TESTS = ["django.test", "rest_framework.test", "requests", "urllib3"]
MERCHANTS, PAGES = ["coupons.api.merchant"], ["coupons.pages"]


def imported(door: Door, packages: list[str]) -> list[str]:
    program = PACKAGES.format(packages)
    done = run_python("-c", program, env=os.environ | {"DOOR": door}, cwd=env.BASE_DIR)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("door", "packages"),
    [
        (Door.USERS, OPERATORS + DESCRIPTION + TESTS + MERCHANTS + PAGES),
        (Door.PAGES, OPERATORS + DESCRIPTION + TESTS + MERCHANTS),
        (Door.MERCHANTS, OPERATORS + PAGES),
    ],
)
def test_it_imports_nothing_that_only_another_door_serves(door: Door, packages: list[str]) -> None:
    assert imported(door, packages) == []


@pytest.mark.parametrize("door", [Door.OPERATORS, Door.ALL])
def test_operators_have_the_admin_and_the_description(door: Door) -> None:
    packages = OPERATORS + DESCRIPTION
    assert imported(door, packages) == packages


LATER = """
import json, sys
from config.lean_imports import import_without
sys.path.insert(0, {0!r})
import_without("colorsys", module="takes_it_or_not")
import colorsys, takes_it_or_not
print(json.dumps([takes_it_or_not.colorsys is None, colorsys.rgb_to_hsv(0, 0, 1)[2]]))
"""


def test_a_package_left_out_is_there_for_whoever_imports_it_later(tmp_path: Path) -> None:
    (tmp_path / "takes_it_or_not.py").write_text(
        "try:\n    import colorsys\nexcept ImportError:\n    colorsys = None\n"
    )
    done = run_python("-c", LATER.format(str(tmp_path)), env=os.environ, cwd=env.BASE_DIR)
    assert json.loads(done.stdout) == [True, 1], done.stderr
