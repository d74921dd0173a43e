"""The command line of provisioning, called in the test's process on the test's cloud."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioning.__main__ import run_command
from provisioning.spec.load import ENVIRONMENTS

ROOT = ENVIRONMENTS.parents[1]


def emptied_cloud(rig: Any, spec: Any) -> Any:
    rig.cloud.writes.clear()
    rig.cloud.reads.clear()
    return rig.cloud


def printed_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def call_command_line(*arguments: str) -> int:
    return run_command([*arguments[:1], "--env", "hello", *arguments[1:]])
