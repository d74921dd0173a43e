"""Shops' backends call the merchants' door through the load balancer, if the spec has a port."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.blueprint.environment import build_blueprint
from provisioning.blueprint.reachability import reachability_table
from provisioning.inventory import inventory_document
from provisioning.model import Key
from provisioning.spec.model import Spec
from tests.provisioning import specs
from tests.provisioning.test_reach import OPERATOR, TABLE, reach_tables

PORT, SHOP = 8443, "203.0.113.0/24"
GROUP, LISTENER = Key("target-group", "coupon-lb-merchants"), Key("listener", f"coupon-lb-{PORT}")
MORE = {("balancer", "api", 8082), ("shops", "balancer", PORT)}


def spec_with(port: int = PORT, *networks: str) -> Spec:
    spec = specs.environment_spec("production", OPERATOR)
    assert spec.balancer is not None
    opened = replace(spec.balancer, merchants_port=port, merchants_from=networks)
    return replace(spec, balancer=opened)


def test_without_a_port_nothing_leads_there() -> None:
    keys = {want.key for want in build_blueprint(spec_with(0))}
    assert not keys & {GROUP, LISTENER}
    assert not {row for row in reachability_table(spec_with(0)) if row.port == 8082}


def test_with_a_port_the_table_has_two_rows_more() -> None:
    rows = {(row.who, row.whom, row.port) for row in reachability_table(spec_with())}
    assert rows == TABLE | MORE


def test_it_uses_the_certificate_of_users() -> None:
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1"
    spec = spec_with()
    assert spec.balancer is not None
    spec = replace(spec, balancer=replace(spec.balancer, certificate_arn=arn))
    wants = {want.key: want for want in build_blueprint(spec)}
    assert wants[LISTENER].props["certificate"] == arn


@pytest.mark.slow
@pytest.mark.parametrize("networks", [(), (SHOP,)])
def test_the_account_has_a_listener_and_a_way_to_8082(
    production_rig: Any, networks: tuple[str, ...]
) -> None:
    production_rig.use_spec(spec_with(PORT, *networks))
    production_rig.build()
    found = production_rig.find_all()
    assert found[LISTENER].props["target"] == found[GROUP].id
    assert (found[GROUP].props["port"], found[GROUP].props["health_port"]) == (8082, 8090)
    assert (
        found[GROUP].props["targets"]
        == found[Key("target-group", "coupon-lb-api")].props["targets"]
    )
    rules = {one.name: one for one in found.values() if one.kind == "rules"}
    into = rules["coupon-production-balancer"].props["ingress"]
    assert ("tcp", PORT, PORT, networks[0] if networks else "0.0.0.0/0") in into
    balancer = found[Key("group", "coupon-production-balancer")].id
    assert ("tcp", 8082, 8082, balancer) in rules["coupon-production-api"].props["ingress"]
    assert not production_rig.compute_plan().changes, "applied again, it has nothing to do"


@pytest.mark.slow
def test_the_inventory_names_its_group_and_ansible_leaves_it_too(
    production_rig: Any, tmp_path: Path
) -> None:
    production_rig.use_spec(spec_with())
    production_rig.build()
    found = production_rig.find_all()
    given = inventory_document(production_rig.spec, found, tmp_path)["all"]["vars"]
    assert given["merchants_target_group_arn"] == found[GROUP].id
    production_rig.use_spec(spec_with(0))
    given = inventory_document(production_rig.spec, found, tmp_path)["all"]["vars"]
    assert "merchants_target_group_arn" not in given


@pytest.mark.slow
def test_switched_off_it_is_removed_and_nothing_else(production_rig: Any) -> None:
    production_rig.use_spec(spec_with(0))
    production_rig.build()
    without, _ = reach_tables(f for f in production_rig.find_all().values() if f.kind == "rules")
    production_rig.use_spec(spec_with())
    production_rig.apply_plan()
    assert {GROUP, LISTENER} <= set(production_rig.find_all())
    production_rig.use_spec(spec_with(0))
    production_rig.apply_plan()
    found = production_rig.find_all()
    assert not {GROUP, LISTENER} & set(found)
    ingress, _ = reach_tables(one for one in found.values() if one.kind == "rules")
    assert ingress == without == TABLE


@pytest.mark.slow
def test_killed_after_each_write_and_applied_again(
    production_rig: Any, killed_exception: type[BaseException]
) -> None:
    """Only the writes that it takes: from an environment that is there without it."""
    production_rig.use_spec(spec_with(0))
    production_rig.build()
    production_rig.use_spec(spec_with())
    lives = 0
    while True:
        try:
            if production_rig.apply_plan(at_once=1, die_after=1) == 0:
                break
        except killed_exception:
            lives += 1
    assert lives >= 5
    assert not production_rig.compute_plan().changes
