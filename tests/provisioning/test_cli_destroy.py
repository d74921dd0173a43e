"""What destroys something asks first, keeps last snapshots and reports leftovers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.model import Key
from provisioning.spec.model import Waiting
from tests.provisioning import specs
from tests.provisioning.command_line import call_command_line, emptied_cloud, printed_json

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_clients")]


def test_nothing_destructive_happens_unasked(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.build()
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
    hello_rig.build()
    assert call_command_line("destroy", "--yes", "--output", "json") == 0
    left = printed_json(capsys)["leftovers"]
    kept = ("kept secret", True)
    assert [(one["what"], one["meant"]) for one in left] == [
        ("database snapshot", True),
        kept,
        kept,
    ]
    assert left[0]["id"].startswith("coupon-db-final-")
    hello_rig.apply_plan()
    assert call_command_line("destroy", "--yes", "--skip-final-snapshot", "--output", "json") == 0
    assert printed_json(capsys)["leftovers"] == left, "only the first one's snapshot"


def test_a_last_snapshot_of_the_deciding_store_is_kept_too(
    production_rig: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    production_rig.build()
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
        ("kept secret", "/coupon/production/kept/coupon-production-db"),
    }, "but none of the broker, which keeps nothing"
    assert "Destroyed. No leftovers, and 2 last snapshots with 2 secrets, kept" in told.err


def test_destroy_finds_what_costs_money_and_isnt_in_the_plan(
    hello_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.build()
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


def test_what_holds_destroy_up_is_told_when_it_begins(
    hello_rig: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreign host in our subnet never goes: without a word destroy would stand still until
    `waiting` is over."""
    hello_rig.build()
    subnet = hello_rig.find_all()[Key("subnet", "hello-private-subnet")].id
    image = hello_rig.cloud.ec2.describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]
    hello_rig.cloud.ec2.run_instances(
        ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, SubnetId=subnet
    )
    monkeypatch.setattr(hello_rig.cloud, "waiting", Waiting(poll_seconds=0.01, minutes=0.1))
    assert call_command_line("destroy", "--yes") == 1
    told = capsys.readouterr().err
    waits = [line for line in told.splitlines() if line.startswith("waits ")]
    line = next(line for line in waits if "subnet hello-private-subnet" in line)
    assert "DependencyViolation" in line
    assert len([one for one in waits if "subnet hello-private-subnet" in one]) == 1
    assert told.index(line) < told.index("FAILED remove subnet hello-private-subnet")
