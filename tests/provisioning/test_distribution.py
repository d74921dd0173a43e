"""The optional CloudFront distribution: made, compared, changed and removed like all else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioning.blueprint.environment import build_blueprint
from provisioning.model import Action, Key
from provisioning.resources.distribution_config import PATHS
from provisioning.spec.model import Edge, Spec
from tests.provisioning import specs
from tests.provisioning.conftest import QUICK
from tests.provisioning.test_reach import OPERATOR
from tests.provisioning.wrong_specs import EDGE_ARN

EDGE = Edge(name="coupon-edge", certificate_arn=EDGE_ARN)
KEY = Key("distribution", "coupon-edge")


def spec_with(edge: Edge | None = EDGE) -> Spec:
    spec = specs.environment_spec("production", OPERATOR)
    assert spec.balancer is not None
    named = replace(spec.balancer, hostnames=("coupons.shop.example",))
    return replace(spec, balancer=named, edge=edge, waiting=QUICK)


@pytest.fixture
def rig(production_rig: Any) -> Any:
    """Built without a distribution; its spec then has one."""
    production_rig.use_spec(spec_with(None))
    production_rig.build()
    production_rig.use_spec(spec_with())
    return production_rig


def described(rig: Any) -> Any:
    [one] = rig.cloud.cloudfront.list_distributions()["DistributionList"]["Items"]
    return one


def change_by_hand(rig: Any, **values: Any) -> None:
    now = rig.cloud.cloudfront.get_distribution_config(Id=described(rig)["Id"])
    rig.cloud.cloudfront.update_distribution(
        Id=described(rig)["Id"], IfMatch=now["ETag"],
        DistributionConfig=now["DistributionConfig"] | values,
    )  # fmt: skip


def test_by_default_there_is_none() -> None:
    spec = specs.environment_spec("production", OPERATOR)
    assert "distribution" not in {want.kind for want in build_blueprint(spec)}


@pytest.mark.slow
def test_what_is_cached_and_what_is_passed(rig: Any) -> None:
    rig.apply_plan()
    found = rig.find_all()[KEY]
    assert found.props["behaviours"] == PATHS
    one = described(rig)
    assert one["Aliases"]["Items"] == ["coupons.shop.example"]
    [origin] = one["Origins"]["Items"]
    balancer = rig.find_all()[Key("balancer", "coupon-lb")]
    assert (origin["DomainName"], found.props["balancer"]) == (balancer.shows["host"], balancer.id)
    rest = one["DefaultCacheBehavior"]
    assert rest["ForwardedValues"]["Headers"]["Items"] == ["*"], "Authorization; nothing is kept"
    assert "POST" in rest["AllowedMethods"]["Items"]
    by_path = {each["PathPattern"]: each for each in one["CacheBehaviors"]["Items"]}
    for path, each in by_path.items():
        headers = each["ForwardedValues"]["Headers"]["Items"]
        assert "Authorization" not in headers, path
        assert "*" not in headers, path
        assert (each["MinTTL"], each["DefaultTTL"]) == (0, 0), "as Cache-Control says, else not"
    assert "Accept-Language" in by_path["/events*"]["ForwardedValues"]["Headers"]["Items"]
    assert "Origin" in by_path["/api/v1/campaigns/*/live"]["ForwardedValues"]["Headers"]["Items"]
    errors = {
        each["ErrorCode"]: each["ErrorCachingMinTTL"]
        for each in one["CustomErrorResponses"]["Items"]
    }
    assert errors[503] == errors[404] == 0, "an outage of a second is not kept for ten"


@pytest.mark.slow
def test_applied_twice_it_changes_nothing_the_second_time(rig: Any) -> None:
    assert rig.apply_plan() == 1
    assert not rig.compute_plan().changes
    assert rig.apply_plan() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", ["enabled", "hostnames", "price_class", "errors_kept", "behaviours"]
)
def test_drift_is_seen_and_corrected(rig: Any, what: str) -> None:
    rig.apply_plan()
    behaviour = described(rig)["DefaultCacheBehavior"]
    kept = {**behaviour, "DefaultTTL": 60, "MaxTTL": 60}
    by_hand: dict[str, dict[str, Any]] = {
        "enabled": {"Enabled": False},
        "hostnames": {"Aliases": {"Quantity": 1, "Items": ["other.example"]}},
        "price_class": {"PriceClass": "PriceClass_All"},
        "errors_kept": {"CustomErrorResponses": {"Quantity": 0}},
        "behaviours": {"DefaultCacheBehavior": kept},
    }
    change_by_hand(rig, **by_hand[what])
    [step] = rig.compute_plan().changes
    assert (step.key, step.action) == (KEY, Action.CHANGE)
    assert {difference.what for difference in step.differences} == {what}
    rig.apply_plan()
    assert not rig.compute_plan().changes


@pytest.mark.slow
def test_switched_off_it_is_disabled_then_removed(rig: Any) -> None:
    rig.apply_plan()
    rig.use_spec(spec_with(None))
    rig.apply_plan()
    assert KEY not in rig.find_all()


@pytest.mark.slow
def test_another_distribution_is_left_alone(rig: Any) -> None:
    rig.apply_plan()
    mine = described(rig)
    config = rig.cloud.cloudfront.get_distribution_config(Id=mine["Id"])["DistributionConfig"]
    config |= {"CallerReference": "theirs", "Aliases": {"Quantity": 0}}
    rig.cloud.cloudfront.create_distribution(DistributionConfig=config)
    assert not rig.compute_plan().changes
    rig.use_spec(spec_with(None))
    rig.apply_plan()
    assert described(rig)["Id"] != mine["Id"]


@pytest.mark.slow
def test_killed_after_each_write_it_is_finished_by_the_next_run(
    rig: Any, killed_exception: type[BaseException]
) -> None:
    def until_done() -> int:
        lives = 0
        while True:
            try:
                if rig.apply_plan(at_once=1, die_after=1) == 0:
                    return lives
            except killed_exception:
                lives += 1

    assert until_done() == 1
    assert described(rig)["Enabled"]
    rig.use_spec(spec_with(None))
    assert until_done() == 2, "disabled, then deleted"
    assert not rig.cloud.cloudfront.list_distributions()["DistributionList"].get("Items")


@pytest.mark.slow
def test_an_enabled_one_can_not_be_deleted(rig: Any) -> None:
    """Negative control of the test cloud: as AWS, it refuses what we must not do."""
    rig.apply_plan()
    client = rig.cloud.cloudfront
    id = described(rig)["Id"]
    tag = client.get_distribution_config(Id=id)["ETag"]
    with pytest.raises(client.exceptions.DistributionNotDisabled):
        client.delete_distribution(Id=id, IfMatch=tag)
    with pytest.raises(client.exceptions.PreconditionFailed):
        client.delete_distribution(Id=id, IfMatch="older")
