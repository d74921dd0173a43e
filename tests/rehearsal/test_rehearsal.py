"""The rehearsal's short form: the account's security groups and routes, proven with packets."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rehearsal import machine

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
no_network = machine.why_no_network()
needs_network = pytest.mark.skipif(bool(no_network), reason=f"no rehearsal here: {no_network}")


@needs_network
@pytest.mark.parametrize(
    "environment", ["production", pytest.param("hello", marks=pytest.mark.long)]
)
def test_packets_flow_as_the_spec_says_and_mistakes_are_seen(
    environment: str, tmp_path: Path
) -> None:
    record = tmp_path / "rehearsal.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal", "--short",
         "--env", environment, "--output", str(record)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps = {step["name"]: step for step in json.loads(record.read_text())["steps"]}
    assert steps["packets"]["ok"]
    mutations = [name for name in steps if name.startswith("mutation")]
    assert len(mutations) == (4 if environment == "production" else 0)


@needs_network
def test_nothing_is_left_behind_by_a_rehearsal_that_is_interrupted(tmp_path: Path) -> None:
    going = subprocess.Popen(
        [sys.executable, "-m", "tests.rehearsal", "--short",
         "--env", "hello", "--output", str(tmp_path / "rehearsal.json")],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert going.stderr is not None
    for line in going.stderr:
        if "an empty account" in line:
            break
    deadline = time.monotonic() + 120
    while not _own_namespaces(going.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _own_namespaces(going.pid)
    going.terminate()
    going.stderr.read()
    going.stderr.close()
    assert going.wait(60) == 143
    assert _own_namespaces(going.pid) == []


def _own_namespaces(pid: int) -> list[str]:
    done = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith(f"rehearsal-{pid}-")]
