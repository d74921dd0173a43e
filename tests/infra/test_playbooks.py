"""The playbooks are parsed and linted; defaults are explained, and tasks log no secrets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.rendered_roles import (
    ANSIBLE,
    run_ansible,
)

pytestmark = pytest.mark.slow
PLAYBOOKS = ["site", "stores", "deploy", "replace", "rollback", "operate"]


def test_every_playbook_can_be_read(tmp_path: Path) -> None:
    names = [file.name for file in ANSIBLE.glob("*.yml")]
    assert {f"{name}.yml" for name in PLAYBOOKS} <= set(names)
    done = run_ansible("playbook", "--syntax-check", *names, folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_ansible_lint_finds_nothing_by_the_production_profile() -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["ansible-lint", "--nocolor"], cwd=ANSIBLE, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", sorted(p.name for p in (ANSIBLE / "roles").iterdir()))
def test_every_default_of_a_role_is_specified_and_explained(role: str) -> None:
    folder = ANSIBLE / "roles" / role
    if role == "coupon":  # shared by all roles; explained in the file itself
        return
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    assert all(option["description"] for option in options.values())
    assert all(name.startswith(f"{role}_") for name in defaults)


def test_tasks_that_handle_secrets_say_nothing_of_them() -> None:
    for file in (ANSIBLE / "roles").glob("*/tasks/*.yml"):
        for task in _flat_tasks(yaml.safe_load(file.read_text()) or []):
            if "coupon_secret_" in json.dumps({k: v for k, v in task.items() if k != "block"}):
                assert task.get("no_log"), (file, task["name"])


def _flat_tasks(tasks: list[dict[str, Any]], quiet: bool = False) -> Iterator[dict[str, Any]]:
    for task in tasks:
        silent = bool(task.get("no_log", quiet))
        yield task | {"no_log": silent}
        yield from _flat_tasks(task.get("block", []), silent)
