"""The command line as an operator or a script uses it."""

from __future__ import annotations

import json
import os
import signal
import stat
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

pytestmark = pytest.mark.slow

ROOT = ENVIRONMENTS.parents[1]


@pytest.fixture(autouse=True)
def shared_quick_clients(monkeypatch: pytest.MonkeyPatch, hello_rig: Any) -> None:
    """Shared clients and short waits; the verbs themselves are the real ones."""
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(hello_rig, spec))


def emptied_cloud(rig: Any, spec: Any) -> Any:
    rig.cloud.writes.clear()
    rig.cloud.reads.clear()
    return rig.cloud


def printed_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def call_command_line(*arguments: str) -> int:
    return run_command([*arguments[:1], "--env", "hello", *arguments[1:]])


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
    hello_rig.apply_plan()
    assert call_command_line("apply", "--output", "json") == 0
    assert printed_json(capsys) == {"done": [], "writes": 0}
    assert hello_rig.cloud.writes == []


def test_status_tells_endpoints_and_drift(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.apply_plan()
    assert call_command_line("status", "--output", "json") == 0
    there = {(one["kind"], one["name"]): one for one in printed_json(capsys)["there"]}
    assert there["cache-node", "coupon-redis"]["port"] == 6380
    assert there["host", "redis-test"]["public_ip"]
    vpc = hello_rig.find_all()[Key("vpc", "hello-vpc")].id
    hello_rig.cloud.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    assert call_command_line("status", "--output", "json") == 2
    assert [one["name"] for one in printed_json(capsys)["drift"]] == ["hello-vpc"]


def test_nothing_destructive_happens_unasked(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.apply_plan()
    before = set(hello_rig.find_all())
    assert call_command_line("destroy") == 1
    assert "To confirm, pass --yes" in capsys.readouterr().err
    extra = hello_rig.cloud.scope.tagging("internet-gateway", "old-ig")
    hello_rig.cloud.ec2.create_internet_gateway(TagSpecifications=extra)
    assert call_command_line("apply") == 1
    assert set(hello_rig.find_all()) == before | {Key("internet-gateway", "old-ig")}
    assert call_command_line("apply", "--yes") == 0
    assert set(hello_rig.find_all()) == before


def test_destroy_keeps_a_last_snapshot_unless_told_otherwise(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.apply_plan()
    assert call_command_line("destroy", "--yes", "--output", "json") == 0
    left = printed_json(capsys)["leftovers"]
    assert [(one["what"], one["meant"]) for one in left] == [("database snapshot", True)]
    assert left[0]["id"].startswith("coupon-db-final-")
    hello_rig.apply_plan()
    assert call_command_line("destroy", "--yes", "--skip-final-snapshot", "--output", "json") == 0
    assert len(printed_json(capsys)["leftovers"]) == 1, "only the first one's snapshot"


def test_a_last_snapshot_of_the_deciding_store_is_kept_too(
    production_rig: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    production_rig.apply_plan()
    assert (
        run_command(
            [
                "destroy",
                "--env",
                specs.write_spec("production", tmp_path),
                "--yes",
                "--output",
                "json",
            ]
        )
        == 0
    )
    told = capsys.readouterr()
    left = {
        (one["what"], one["id"].rpartition("-final-")[0])
        for one in json.loads(told.out)["leftovers"]
    }
    assert left == {
        ("database snapshot", "coupon-production-db"),
        ("cache snapshot", "coupon-store"),
    }, "but none of the broker, which keeps nothing"
    assert "Destroyed. No leftovers, and 2 last snapshots, kept" in told.err


def test_destroy_finds_what_costs_money_and_isnt_in_the_plan(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.apply_plan()
    tags = hello_rig.cloud.scope.tags("forgotten")
    volume = hello_rig.cloud.ec2.create_volume(
        AvailabilityZone="ap-northeast-2a", Size=8,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )["VolumeId"]  # fmt: skip
    snapshot = hello_rig.cloud.ec2.create_snapshot(
        VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}]
    )["SnapshotId"]
    hello_rig.cloud.rds.create_db_snapshot(
        DBSnapshotIdentifier="forgotten", DBInstanceIdentifier="coupon-db", Tags=tags
    )
    assert call_command_line("destroy", "--yes", "--skip-final-snapshot", "--output", "json") == 1
    left = {(one["what"], one["id"]) for one in printed_json(capsys)["leftovers"]}
    assert {("volume", volume), ("disk snapshot", snapshot)} <= left
    assert ("database snapshot", "forgotten") in left


def test_secrets_are_strong_stored_encrypted_and_never_shown(
    hello_rig: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call_command_line("apply") == 0
    for verb in (["plan"], ["status"], ["inventory", "--out", str(tmp_path)]):
        call_command_line(*verb)
        call_command_line(*verb, "--output", "json")
    shown = "".join(capsys.readouterr()) + "".join(
        file.read_text() for file in tmp_path.iterdir() if file.is_file()
    )
    names = [key.name for key in hello_rig.find_all() if key.kind == "secret"]
    assert len(names) == 6
    values = set()
    for name in names:
        told = hello_rig.cloud.ssm.get_parameter(
            Name=f"/coupon/hello/secrets/{name}", WithDecryption=True
        )["Parameter"]
        assert told["Type"] == "SecureString"
        assert len(told["Value"]) >= 40
        assert told["Value"] not in shown
        values.add(told["Value"])
    assert len(values) == len(names)
    assert (key := (tmp_path / "keys" / "helloAWS.pem")).exists()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE KEY" not in shown


def test_a_key_never_lies_in_the_repository(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUPON_KEYS_DIR", str(ROOT / "build"))
    assert call_command_line("apply") == 1
    assert "must not be in the repository" in capsys.readouterr().err
    assert not (ROOT / "build" / "helloAWS.pem").exists()


def test_a_key_made_by_a_killed_run_is_used_again(hello_rig: Any) -> None:
    hello_rig.apply_plan()
    file = Path(os.environ["COUPON_KEYS_DIR"]) / "helloAWS.pem"
    first = file.read_bytes()
    hello_rig.cloud.ec2.delete_key_pair(KeyName="helloAWS")
    hello_rig.apply_plan()
    assert file.read_bytes() == first


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
    assert killed.wait(30) == -signal.SIGKILL
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
    assert 140 < len(cloud.writes) < 180
    assert 100 < len(cloud.reads) < 2 * len(cloud.writes), "looking twice, and waiting"
    assert run_command(["plan", "--env", environment]) == 0
    assert cloud.writes == []
    assert 60 < len(cloud.reads) < 120


@pytest.mark.parametrize("verb", ["plan", "status", "inventory", "ssh", "apply", "destroy"])
def test_every_verb_answers_in_one_json_document(
    verb: str, hello_rig: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hello_rig.apply_plan()
    folder = ["--out", str(tmp_path)] if verb in ("inventory", "ssh") else []
    if verb == "ssh":
        assert call_command_line("inventory", *folder) == 0
        capsys.readouterr()
    host = ["coupon-api"] if verb == "ssh" else []
    assert call_command_line(verb, "--yes", "--output", "json", *folder, *host) == 0
    assert isinstance(printed_json(capsys), dict)
