"""Issue 16, 8: what is destroyed can be built again from its last snapshot, with the secrets under
which its codes were issued. The steps are those of provisioning/RESTORE.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.blueprint.secrets import STORED_UNDER
from provisioning.kept_secrets import kept_secrets, our_snapshots, return_secrets
from provisioning.model import Key
from tests.provisioning import specs
from tests.provisioning.command_line import call_command_line, emptied_cloud, printed_json

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_clients")]

DATABASE = Key("database", "coupon-db")


def secret_values(rig: Any, *names: str) -> dict[str, str]:
    ssm = rig.cloud.ssm
    return {
        name: ssm.get_parameter(Name=f"/coupon/hello/secrets/{name}", WithDecryption=True)[
            "Parameter"
        ]["Value"]
        for name in names
    }


@pytest.fixture
def destroyed(hello_rig: Any, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The secrets of an environment that was built and destroyed; `snapshot` is its last one."""
    hello_rig.build()
    values = secret_values(hello_rig, *STORED_UNDER, "database-admin-password")
    assert call_command_line("destroy", "--yes") == 0
    capsys.readouterr()
    (snapshot,) = our_snapshots(hello_rig.cloud)
    return {**values, "snapshot": snapshot}


@pytest.fixture
def passwords(hello_rig: Any) -> Iterator[list[str]]:
    """Those that RDS was given for its administrator by a change."""
    given: list[str] = []

    def record_password(params: dict[str, str], **_: object) -> None:
        given.extend([params["MasterUserPassword"]] if "MasterUserPassword" in params else [])

    events = hello_rig.cloud.rds.meta.events
    events.register("provide-client-params.rds.ModifyDBInstance", record_password)
    yield given
    events.unregister("provide-client-params.rds.ModifyDBInstance", record_password)


def test_an_environment_is_restored_with_the_secrets_of_its_snapshot(
    hello_rig: Any, destroyed: dict[str, str], passwords: list[str]
) -> None:
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 0
    again = secret_values(hello_rig, *STORED_UNDER, "database-admin-password")
    assert {name: again[name] for name in STORED_UNDER} == {
        name: destroyed[name] for name in STORED_UNDER
    }
    assert again["database-admin-password"] != destroyed["database-admin-password"]
    assert passwords == [again["database-admin-password"]], "the snapshot has the old one"
    assert hello_rig.cloud.writes.count("RestoreDBInstanceFromDBSnapshot") == 1
    assert "CreateDBInstance" not in hello_rig.cloud.writes
    assert hello_rig.compute_plan().changes == ()
    assert hello_rig.find_all()[DATABASE].more["RestoredFrom"] == destroyed["snapshot"]


def test_a_killed_restore_is_continued(
    hello_rig: Any, destroyed: dict[str, str], passwords: list[str],
    monkeypatch: pytest.MonkeyPatch, killed_exception: type[BaseException],
) -> None:  # fmt: skip
    def die(*_: object) -> None:
        raise killed_exception

    with monkeypatch.context() as patch:
        patch.setattr("provisioning.verbs.restore.set_password", die)
        with pytest.raises(killed_exception):
            call_command_line("restore", "--snapshot", destroyed["snapshot"])
    assert passwords == []
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 0
    assert passwords == [*secret_values(hello_rig, "database-admin-password").values()]
    assert "RestoreDBInstanceFromDBSnapshot" not in hello_rig.cloud.writes


def test_a_daily_snapshot_is_used_with_the_living_environments_secrets(hello_rig: Any) -> None:
    """SSM takes a colon, which its name has, for the beginning of a version."""
    hello_rig.build()
    before = secret_values(hello_rig, *STORED_UNDER)
    asked: list[str] = []

    def record_name(params: dict[str, str], **_: object) -> None:
        asked.append(params["Name"])

    events = hello_rig.cloud.ssm.meta.events
    events.register("provide-client-params.ssm.GetParameter", record_name)
    return_secrets(hello_rig.cloud, "rds:coupon-db-2026-11-29-18-10")
    events.unregister("provide-client-params.ssm.GetParameter", record_name)
    assert secret_values(hello_rig, *STORED_UNDER) == before
    assert "/coupon/hello/kept/rds.coupon-db-2026-11-29-18-10/coupon-code-key" in asked


def test_a_killed_destroy_keeps_the_secrets_until_the_snapshot_is_made(hello_rig: Any) -> None:
    """Else the next run would make the snapshot without them: so the database goes first."""
    wants = {want.key: want for want in hello_rig.wants}
    for name in STORED_UNDER:
        assert Key("secret", name) in wants[DATABASE].needs()


def test_a_living_environment_is_not_restored_over(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.apply_plan()
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 1
    assert "database coupon-db exists, and was not made from" in capsys.readouterr().err
    assert hello_rig.compute_plan().changes == ()


def test_an_environment_with_other_secrets_is_not_given_the_old_ones(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have issued codes of its own under them."""
    hello_rig.apply_plan()
    rds = hello_rig.cloud.rds
    rds.delete_db_instance(DBInstanceIdentifier="coupon-db", SkipFinalSnapshot=True)
    while DATABASE in hello_rig.find_all() or rds.describe_db_instances()["DBInstances"]:
        pass
    before = secret_values(hello_rig, *STORED_UNDER)
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 1
    assert "isn't the one that" in capsys.readouterr().err
    assert secret_values(hello_rig, *STORED_UNDER) == before
    assert DATABASE not in hello_rig.find_all()


def test_a_snapshot_without_its_secrets_is_not_restored(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for _, path in kept_secrets(hello_rig.cloud):
        hello_rig.cloud.ssm.delete_parameter(Name=path)
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 1
    told = capsys.readouterr().err
    assert "There is no coupon-code-key for" in told
    assert f"/coupon/hello/kept/{destroyed['snapshot']}/coupon-code-key" in told
    assert hello_rig.find_all() == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "8.4"}, "its MySQL is 8.0.35, not 8.4"),
        ({"user": "someone"}, "its administrator is coupons_admin, not someone"),
        ({"encrypted": False}, "its encryption is True"),
    ],
)
def test_a_snapshot_that_does_not_fit_the_spec_is_refused(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str,
) -> None:  # fmt: skip
    spec = hello_rig.spec
    changed = replace(spec, database=replace(spec.database, **change))
    monkeypatch.setattr("provisioning.cli.load_spec", lambda **_: changed)
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 1
    assert said in capsys.readouterr().err
    assert hello_rig.find_all() == {}


def test_an_unknown_snapshot_is_refused_with_those_that_exist(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call_command_line("restore", "--snapshot", "nosuch") == 1
    told = capsys.readouterr().err
    assert "has no snapshot 'nosuch'" in told
    assert f"There are: {destroyed['snapshot']}." in told


def test_secrets_whose_snapshot_was_deleted_go_with_the_next_destroy(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(list(kept_secrets(hello_rig.cloud))) == len(STORED_UNDER)
    hello_rig.cloud.rds.delete_db_snapshot(DBSnapshotIdentifier=destroyed["snapshot"])
    assert call_command_line("destroy", "--yes", "--output", "json") == 0
    assert printed_json(capsys)["leftovers"] == []
    assert list(kept_secrets(hello_rig.cloud)) == []


@pytest.mark.parametrize("die_after", [2, 4, 8, 16, 24, 32])
def test_a_destroy_killed_anywhere_loses_no_secret_of_its_snapshot(
    hello_rig: Any, killed_writes: Any, killed_exception: type[BaseException], die_after: int
) -> None:
    hello_rig.build()
    values = secret_values(hello_rig, *STORED_UNDER)
    with killed_writes(after=die_after), pytest.raises(killed_exception):
        call_command_line("destroy", "--yes")
    assert call_command_line("destroy", "--yes") == 0
    (snapshot,) = our_snapshots(hello_rig.cloud)
    for name, value in values.items():
        path = f"/coupon/hello/kept/{snapshot}/{name}"
        kept = hello_rig.cloud.ssm.get_parameter(Name=path, WithDecryption=True)
        assert kept["Parameter"]["Value"] == value
    assert len(list(kept_secrets(hello_rig.cloud))) == len(values)


def test_production_is_restored_and_as_wanted(
    production_rig: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Also what a restore can't set: insights, the maintenance window, the limit of storage."""
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    file = specs.write_spec("production", tmp_path)
    production_rig.build()
    assert run_command(["destroy", "--env", file, "--yes"]) == 0
    (snapshot,) = our_snapshots(production_rig.cloud)
    assert run_command(["restore", "--env", file, "--snapshot", snapshot]) == 0
    assert f"Restored from {snapshot}." in capsys.readouterr().err
    assert production_rig.compute_plan().changes == ()
    assert run_command(["destroy", "--env", file, "--yes"]) == 0, "and it can be destroyed again"
    assert len(our_snapshots(production_rig.cloud)) == 2
    assert len(list(kept_secrets(production_rig.cloud))) == 2 * len(STORED_UNDER)


def test_16_8_a_restore_of_what_was_restored_does_not_ask_to_rebuild_what_runs(
    hello_rig: Any, destroyed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 0
    assert "Redis is empty" in capsys.readouterr().err
    assert call_command_line("restore", "--snapshot", destroyed["snapshot"]) == 0
    told = capsys.readouterr().err
    assert "was restored from" in told
    assert "Redis is empty" not in told
