"""The command line as an operator or a script uses it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.model import Key
from provisioning.spec.load import ENVIRONMENTS
from tests.provisioning import specs
from tests.provisioning.command_line import ROOT, call_command_line, emptied_cloud, printed_json

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_clients")]


def test_plan_says_two_when_there_are_changes_and_none_after_apply(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call_command_line("plan", "--output", "json") == 2
    planned = printed_json(capsys)
    assert {step["action"] for step in planned["plan"]} == {"create"}
    assert planned["cost"]["monthly_usd"] > 100
    assert call_command_line("apply", "--output", "json") == 0
    assert printed_json(capsys)["writes"] > 20
    assert call_command_line("plan", "--output", "json") == 0
    assert {step["action"] for step in printed_json(capsys)["plan"]} == {"keep"}


def test_a_second_apply_writes_nothing_not_even_the_lock(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.build()
    assert call_command_line("apply", "--output", "json") == 0
    assert printed_json(capsys) == {"done": [], "writes": 0}
    assert hello_rig.cloud.writes == []


def test_status_tells_endpoints_and_drift(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.build()
    assert call_command_line("status", "--output", "json") == 0
    there = {(one["kind"], one["name"]): one for one in printed_json(capsys)["there"]}
    assert there["cache-node", "coupon-redis"]["port"] == 6380
    assert there["host", "redis-test"]["public_ip"]
    vpc = hello_rig.find_all()[Key("vpc", "hello-vpc")].id
    hello_rig.cloud.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    assert call_command_line("status", "--output", "json") == 2
    assert [one["name"] for one in printed_json(capsys)["drift"]] == ["hello-vpc"]


def test_a_wrong_spec_is_an_error_in_json_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text((ENVIRONMENTS / "hello.toml").read_text().replace("10.0.1.0", "10.0.0.0"))
    assert run_command(["plan", "--env", str(wrong), "--output", "json"]) == 1
    said = printed_json(capsys)
    assert said["error"] == "spec_rejected"
    assert "wrong.toml:" in said["sentence"]


def test_misuse_is_not_taken_for_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["plan"]) == 64
    assert run_command(["dance", "--env", "hello"]) == 64


def test_doctor_makes_nothing_and_not_to_know_is_not_bad(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also in an account that answers only some of the doctor's questions."""
    assert call_command_line("doctor", "--output", "json") == 0
    told = capsys.readouterr()
    findings = {one["what"]: one["verdict"] for one in json.loads(told.out)["findings"]}
    assert findings["credentials"] == findings["zones"] == "ok"
    assert findings["DryRun RunInstances"] == findings["room for VPCs"] == "ok"
    assert findings["rights of these credentials"] == "unknown"
    assert "rights of these credentials): apply will." in told.err
    assert hello_rig.find_all() == {}


def test_doctor_prints_the_policy_the_verbs_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command_line("doctor", "--policy", "--account", "123456789012") == 0
    statements = printed_json(capsys)["Statement"]
    allowed = {action for one in statements for action in one["Action"]}
    assert {"ec2:RunInstances", "iam:PassRole", "rds:CreateDBInstance"} <= allowed
    assert not [action for action in allowed if "*" in action]
    passed = next(one for one in statements if "iam:PassRole" in one["Action"])
    assert passed["Resource"] == [
        "arn:aws:iam::123456789012:role/coupon/hello/*",
        "arn:aws:iam::123456789012:instance-profile/coupon/hello/*",
    ]


def test_a_run_killed_for_real_is_taken_up_again(hello_rig: Any, tmp_path: Path) -> None:
    """kill -9 in the middle: the lock that it leaves behind must not stop the next run."""
    killed = subprocess.Popen(
        [sys.executable, "-m", "provisioning", "apply", "--env", "hello", "--at-once", "1"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert killed.stderr is not None
    for line in killed.stderr:
        if "subnet" in line:
            killed.send_signal(signal.SIGKILL)
            break
    assert killed.wait(120) == -signal.SIGKILL
    killed.stderr.close()
    half = len(hello_rig.find_all())
    assert 0 < half < 24
    parameters = hello_rig.cloud.ssm.describe_parameters()["Parameters"]
    assert "/coupon/hello/provisioning-lock" in [one["Name"] for one in parameters]
    assert call_command_line("apply") == 0
    assert len(hello_rig.find_all()) == 24
    assert hello_rig.compute_plan().changes == ()


def test_plan_and_apply_of_production_ask_little_of_aws(
    production_rig: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Counts API calls, which determine the duration; the README has the seconds."""
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    cloud, environment = production_rig.cloud, specs.write_spec("production", tmp_path)
    assert run_command(["apply", "--env", environment, "--yes"]) == 0
    assert 150 < len(cloud.writes) < 200
    assert 100 < len(cloud.reads) < 2 * len(cloud.writes), "looking twice, and waiting"
    assert run_command(["plan", "--env", environment]) == 0
    assert cloud.writes == []
    assert 60 < len(cloud.reads) < 140


@pytest.mark.parametrize("verb", ["plan", "status", "inventory", "ssh", "apply", "destroy"])
def test_every_verb_answers_in_one_json_document(
    verb: str, hello_rig: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hello_rig.build()
    folder = ["--out", str(tmp_path)] if verb in ("inventory", "ssh") else []
    if verb == "ssh":
        assert call_command_line("inventory", *folder) == 0
        capsys.readouterr()
    host = ["coupon-api"] if verb == "ssh" else []
    assert call_command_line(verb, "--yes", "--output", "json", *folder, *host) == 0
    assert isinstance(printed_json(capsys), dict)
