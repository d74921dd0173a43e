"""Other counts of hosts than the spec's, and a site that sleeps between sales."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.adjustments import Adjustments, read_adjustments
from provisioning.model import Action
from provisioning.run import Run
from tests.provisioning import specs
from tests.provisioning.command_line import emptied_cloud, printed_json

pytestmark = pytest.mark.slow


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch, production_rig: Any, tmp_path: Path) -> Any:
    """Production as its spec wants it, and the command line on the same cloud."""
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    monkeypatch.chdir(tmp_path)
    specs.write_spec("production", tmp_path)
    production_rig.build()
    return production_rig


def call(verb: str, *options: str) -> int:
    return run_command([verb, "--env", "production.toml", "--yes", "--output", "json", *options])


def hosts_running(rig: Any) -> dict[str, bool]:
    return {
        key.name: found.props["running"]
        for key, found in rig.find_all().items()
        if key.kind == "host"
    }


def test_16_11_hosts_are_added_for_an_opening_and_taken_away_after_it(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("scale", "--api", "4", "--consumer", "3") == 0
    added = {"coupon-api-3", "coupon-api-4", "coupon-consumer-3"}
    assert added < hosts_running(production).keys()
    capsys.readouterr()
    assert call("plan") == 0, "the spec alone no longer counts: another operator agrees"
    noted = capsys.readouterr().err
    assert "coupon-api has 4 hosts by `scale`" in noted
    assert "coupon-consumer has 3 hosts by `scale`" in noted

    assert call("scale", "--api", "2", "--consumer", "2") == 0
    assert not added & hosts_running(production).keys()
    assert read_adjustments(production.cloud) == Adjustments()
    assert call("plan") == 0


def test_16_11_a_host_ends_when_it_has_answered_its_last_request(
    production: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("scale", "--api", "3") == 0
    group = next(f for key, f in production.find_all().items() if key.kind == "target-group")
    ended = production.cloud.ec2.terminate_instances
    draining: list[list[str]] = []

    def end_hosts(**asked: Any) -> Any:
        health = production.cloud.elb.describe_target_health(TargetGroupArn=group.id)
        states = [one["TargetHealth"]["State"] for one in health["TargetHealthDescriptions"]]
        draining.append([state for state in states if state == "draining"])
        return ended(**asked)

    monkeypatch.setattr(production.cloud.ec2, "terminate_instances", end_hosts)
    assert call("scale", "--api", "2") == 0
    assert draining == [[]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--api", "1"], "A single host would be called coupon-api"),
        ([], "Give --api or --consumer"),
        (["--api", "0"], "0 is not in the range"),
        (["--api", "many"], "many"),
    ],
)
def test_16_11_what_can_not_be_scaled_is_refused_before_any_write(
    production: Any, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    production.cloud.writes.clear()
    assert call("scale", *options) != 0
    printed = capsys.readouterr()
    assert sentence in printed.out + printed.err
    assert production.cloud.writes == []


def test_16_11_a_spec_of_one_host_keeps_it(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.build()
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(hello_rig, spec))
    assert run_command(["scale", "--env", "hello", "--yes", "--api", "2"]) == 1
    assert "A single host is called" in capsys.readouterr().err


def test_16_11_a_site_sleeps_and_wakes(production: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sleep") == 0
    assert not any(hosts_running(production).values())
    found = production.find_all()
    database = next(one for key, one in found.items() if key.kind == "database")
    assert (database.props["running"], database.more["status"]) == (False, "stopped")
    assert not [key for key in found if key.kind == "alarm"], "each would ring"
    capsys.readouterr()
    assert call("plan") == 0, "asleep is what is wanted"
    asleep = printed_json(capsys)["cost"]["monthly_usd"]

    assert call("wake") == 0
    assert all(hosts_running(production).values())
    capsys.readouterr()
    assert call("plan") == 0
    assert asleep < 0.6 * printed_json(capsys)["cost"]["monthly_usd"]
    assert [key for key in production.find_all() if key.kind == "alarm"]


def test_16_11_a_change_reaches_a_database_that_aws_has_stopped(production: Any) -> None:
    """AWS refuses to change a stopped one: it is started first."""
    assert call("sleep") == 0
    name = production.spec.database.name
    assert {s["DBInstanceStatus"] for s in described(production)} == {"stopped"}
    with pytest.raises(production.cloud.rds.exceptions.InvalidDBInstanceStateFault):
        production.cloud.rds.modify_db_instance(DBInstanceIdentifier=name, MultiAZ=False)
    assert call("wake") == 0
    assert {s["DBInstanceStatus"] for s in described(production)} == {"available"}
    production.cloud.rds.stop_db_instance(DBInstanceIdentifier=name)  # in the console
    assert call("plan") == 2
    assert call("apply") == 0
    assert {s["DBInstanceStatus"] for s in described(production)} == {"available"}


def test_16_11_a_change_of_a_sleeping_database_is_an_error_that_says_what_to_do(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sleep") == 0
    file = Path("production.toml")
    file.write_text(file.read_text().replace('"db.m7g.large"', '"db.m7g.xlarge"'))
    capsys.readouterr()
    assert call("apply") == 1
    assert "Run wake" in capsys.readouterr().err
    assert call("wake") == 0
    assert {one["DBInstanceClass"] for one in described(production)} == {"db.m7g.xlarge"}


def described(rig: Any) -> list[Any]:
    return list(rig.cloud.rds.describe_db_instances()["DBInstances"])


def test_16_11_a_sleeping_site_is_destroyed_and_leaves_nothing(production: Any) -> None:
    assert call("scale", "--api", "3") == 0
    assert call("sleep") == 0
    assert call("destroy", "--skip-final-snapshot") == 0
    assert read_adjustments(production.cloud) == Adjustments()


def test_16_11_a_run_killed_half_way_is_continued_by_the_next_apply(
    production: Any, killed_exception: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = production.cloud.ec2.run_instances

    def die(**_: Any) -> Any:
        raise killed_exception

    monkeypatch.setattr(production.cloud.ec2, "run_instances", die)
    with pytest.raises(killed_exception):
        call("scale", "--api", "3")
    monkeypatch.setattr(production.cloud.ec2, "run_instances", launch)
    assert call("apply") == 0
    assert "coupon-api-3" in hosts_running(production)


def test_16_11_a_parameter_that_somebody_changed_is_named(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{production.cloud.scope.path}/adjustments"
    for value in ("no", "[]", json.dumps({"asleep": False}), json.dumps({"counts": 3})):
        production.cloud.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        assert call("plan") == 1
        assert name in printed_json(capsys)["sentence"]


def test_16_11_without_an_adjustment_the_spec_alone_counts(production: Any) -> None:
    run = Run(spec=production.spec, cloud=production.cloud, show=None)  # type: ignore[arg-type]
    assert {want.key for want in run.wants} == {want.key for want in production.wants}
    assert {step.action for step in run.examine()[1].steps} == {Action.KEEP}


@pytest.mark.parametrize("words", [("sleep",), ("wake",), ("scale", "--api", "3")])
def test_16_11_what_is_not_there_is_neither_built_nor_finished(
    production: Any, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert call("destroy", "--skip-final-snapshot") == 0
    capsys.readouterr()
    assert call(*words) == 1
    assert "isn't there as a whole" in capsys.readouterr().err
    assert production.cloud.writes == []


def test_16_11_a_sleeping_site_is_not_scaled(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sleep") == 0
    there = hosts_running(production)
    capsys.readouterr()
    assert call("scale", "--api", "3") == 1
    assert "Run wake first" in capsys.readouterr().err
    assert hosts_running(production) == there
    assert call("plan") == 0


def test_16_11_what_is_built_anew_while_the_site_sleeps_is_put_to_sleep(production: Any) -> None:
    """Nothing is known of a new database but that it runs. A host must run to be registered at the
    balancer, so the next apply stops it."""
    assert call("sleep") == 0
    production.destroy_all()
    assert call("apply") == 0
    assert {s["DBInstanceStatus"] for s in described(production)} == {"stopped"}
    assert call("apply") == 0
    assert not any(hosts_running(production).values())
    assert call("plan") == 0


def test_16_11_closing_sentences_say_what_was_done(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("scale", "--api", "3") == 0
    told = capsys.readouterr().err
    assert "New hosts serve nothing yet" in told
    assert "The estimate is US$" in told
    for words in (("scale", "--api", "3"), ("scale", "--api", "2"), ("wake",)):
        assert call(*words) == 0
        told = capsys.readouterr().err
        assert "New hosts" not in told
        assert "another public address" not in told


@pytest.mark.parametrize("verb", ["inventory", "ssh"])
def test_16_11_there_is_no_way_into_a_sleeping_site(
    production: Any, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    host = ["coupon-api-1"] if verb == "ssh" else []
    assert call("inventory", "--out", "there") == 0
    written = Path("there/ssh.cfg").read_text()
    assert call("sleep") == 0
    capsys.readouterr()
    assert call(verb, "--out", "there", *host) == 1
    assert "Run wake" in capsys.readouterr().err
    assert Path("there/ssh.cfg").read_text() == written


@pytest.mark.parametrize("verb", ["plan", "apply", "destroy", "status"])
def test_16_11_an_environment_stays_in_its_region(
    production: Any, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """Its roles belong to no region, and would be taken from those that still need them."""
    file = Path("production.toml")
    file.write_text(file.read_text().replace("ap-northeast-2", "us-east-1"))
    production.cloud.writes.clear()
    assert call(verb) == 1
    assert "production is in ap-northeast-2" in capsys.readouterr().err
    assert production.cloud.writes == []
