"""Capacity of the load balancer that is reserved for an opening."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from tests.provisioning.command_line import emptied_cloud, printed_json
from tests.provisioning.test_scale import call, production

__all__ = ["production"]
pytestmark = pytest.mark.slow


def reserved(rig: Any) -> Any:
    arn = rig.cloud.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    return rig.cloud.elb.describe_capacity_reservation(LoadBalancerArn=arn)


def states(rig: Any) -> set[str]:
    return {zone["State"]["Code"] for zone in reserved(rig)["CapacityReservationState"]}


def test_16_11_capacity_is_reserved_until_every_zone_has_it_and_given_back(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("warm", "--lcu", "800") == 0
    assert states(production) == {"provisioned"}
    assert printed_json(capsys)["reserved_lcu"] == 800
    assert call("plan") == 0, "a reservation is no drift"
    capsys.readouterr()
    assert call("status") == 0
    assert "800 LCU" in capsys.readouterr().err
    assert call("cool") == 0
    assert printed_json(capsys)["reserved_lcu"] == 0


def test_16_11_warming_twice_asks_aws_once_and_cooling_twice_too(production: Any) -> None:
    for _ in range(2):
        assert call("warm", "--lcu", "800") == 0
    assert "ModifyCapacityReservation" not in production.cloud.writes
    assert call("cool") == 0
    assert production.cloud.writes.count("ModifyCapacityReservation") == 1
    assert call("cool") == 0
    assert production.cloud.writes == []


def test_16_11_a_run_killed_while_aws_is_at_it_is_waited_for_by_the_next(production: Any) -> None:
    arn = production.cloud.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    wanted = {"CapacityUnits": 800}
    production.cloud.elb.modify_capacity_reservation(
        LoadBalancerArn=arn, MinimumLoadBalancerCapacity=wanted
    )
    assert call("warm", "--lcu", "800") == 0
    assert states(production) == {"provisioned"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lcu", "99"], "99 is not in the range"),
        (["--lcu", "2000"], "then warm again"),
        ([], "--lcu"),
    ],
)
def test_16_11_what_aws_does_not_reserve_is_an_error_with_its_reason(
    production: Any, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert call("warm", *options) != 0
    printed = capsys.readouterr()
    assert sentence in printed.out + printed.err
    assert "CapacityReservationState" not in reserved(production)


def test_16_11_hello_has_nothing_to_warm(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hello_rig.build()
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(hello_rig, spec))
    for verb in (["warm", "--lcu", "100"], ["cool"]):
        assert run_command([verb[0], "--env", "hello", *verb[1:]]) == 1
        assert "has no load balancer" in capsys.readouterr().err


def test_16_11_the_days_last_reduction_is_said_and_what_it_means(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for units in ("800", "200", "800"):
        assert call("warm", "--lcu", units) == 0
    assert call("cool") == 0
    assert call("warm", "--lcu", "300") == 0
    capsys.readouterr()
    assert call("cool") == 1
    told = capsys.readouterr().err
    assert "stays reserved, and billed" in told
    assert "Service Quotas" not in told


def test_16_11_a_reservation_is_named_when_the_site_goes_to_sleep(
    production: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("warm", "--lcu", "400") == 0
    assert call("sleep") == 0
    assert "400 LCU of the load balancer stay reserved" in capsys.readouterr().err
