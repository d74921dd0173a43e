"""A release is complete: the role packs every file that the code on a host reads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import env

ROOT = env.BASE_DIR
READ_ALL = """
import importlib, pkgutil
import django
django.setup()
import config, coupons
from coupons.monitoring import capacity
for package in (config, coupons):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not re.search(r"__main__|flower_login|[.]development", module.name):
            importlib.import_module(module.name)
assert capacity.load_measurements().bytes_per_claimant > 0
print("whole")
"""


@pytest.fixture
def unpacked_release(tmp_path: Path) -> Path:
    """The files that `ansible/roles/app/tasks/pack.yml` archives, unpacked."""
    task = (ROOT / "ansible/roles/app/tasks/pack.yml").read_text()
    archived = re.search(r"app_version \| quote }} (.*?)\n    creates", task, re.DOTALL)
    assert archived is not None
    places = archived[1].replace("\\", " ").split()
    assert {"manage.py", "config", "coupons"} < set(places)
    packed = subprocess.run(
        ["tar", "--create", "--exclude=__pycache__", *places],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    subprocess.run(["tar", "--extract"], cwd=tmp_path, input=packed.stdout, check=True)
    return tmp_path


def test_a_release_imports_and_reads_nothing_from_outside(unpacked_release: Path) -> None:
    inherited = {name: os.environ[name] for name in ("PATH", "REDIS_URL", "DATABASE_URL")}
    done = subprocess.run(
        [sys.executable, "-c", "import re" + READ_ALL], cwd=unpacked_release, capture_output=True,
        text=True,
        env=inherited | {"DJANGO_SETTINGS_MODULE": "config.settings", "ENV_FILES": os.devnull},
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "whole", done.stderr[-2000:]
