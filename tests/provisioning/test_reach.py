"""Network access in production: the whole table (who, whom, port), read back from the account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioning.blueprint.reachability import reachability_table
from provisioning.model import Found
from tests.provisioning import specs

pytestmark = pytest.mark.slow

OPERATOR = "198.51.100.7/32"
REDIS, MYSQL, SSH, NODE = 6379, 3306, 22, 9100

# (who, whom, port). All other access must be impossible.
TABLE = {
    ("world", "balancer", 80),
    ("balancer", "api", 8080),
    ("balancer", "api", 8090),
    ("operator", "bastion", SSH),
    ("bastion", "api", SSH),
    ("bastion", "api", 8090),
    ("bastion", "consumer", SSH),
    ("bastion", "monitor", SSH),
    ("bastion", "cache", REDIS),
    ("bastion", "database", MYSQL),
    ("api", "cache", REDIS),
    ("api", "database", MYSQL),
    ("consumer", "cache", REDIS),
    ("consumer", "database", MYSQL),
    ("consumer", "api", 8080),
    ("monitor", "cache", REDIS),
    ("monitor", "database", MYSQL),
    ("monitor", "api", 8090),
    ("monitor", "api", 8405),
    ("monitor", "consumer", 8081),
    ("monitor", "api", NODE),
    ("monitor", "consumer", NODE),
    ("monitor", "bastion", NODE),
}
WITH_CERTIFICATE = TABLE | {("world", "balancer", 443)}
OUT = {(role, port) for role in ("api", "consumer", "bastion", "monitor") for port in (80, 443)}


def test_the_spec_gives_the_table() -> None:
    spec = specs.environment_spec("production", OPERATOR)
    assert {(row.who, row.whom, row.port) for row in reachability_table(spec)} == TABLE


def test_a_certificate_opens_443() -> None:
    spec = specs.environment_spec("production", OPERATOR)
    assert spec.balancer is not None
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1"
    spec = replace(spec, balancer=replace(spec.balancer, certificate_arn=arn))
    assert {(row.who, row.whom, row.port) for row in reachability_table(spec)} == WITH_CERTIFICATE


def test_the_account_holds_the_table_and_nothing_else(production_rig: Any) -> None:
    production_rig.build()
    rules = [found for found in production_rig.find_all().values() if found.kind == "rules"]
    ingress, egress = reach_tables(rules)
    assert ingress == TABLE
    outward = {("tcp", who, port) for who, _, port in TABLE if who not in ("world", "operator")}
    assert {("tcp", who, port) for who, whom, port in egress if whom != "world"} == outward
    assert {(who, port) for who, whom, port in egress if whom == "world"} == OUT


def test_every_group_that_may_be_reached_is_also_let_out_to(production_rig: Any) -> None:
    production_rig.build()
    ingress, egress = reach_tables(
        f for f in production_rig.find_all().values() if f.kind == "rules"
    )
    inside = {row for row in ingress if row[0] not in ("world", "operator")}
    assert inside == {row for row in egress if row[1] != "world"}


def test_a_rule_added_by_hand_breaks_the_table(production_rig: Any) -> None:
    """Negative control."""
    production_rig.build()
    found = {one.name: one for one in production_rig.find_all().values() if one.kind == "rules"}
    production_rig.cloud.ec2.authorize_security_group_ingress(
        GroupId=found["coupon-production-api"].id,
        IpPermissions=[
            {
                "IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080,
                "UserIdGroupPairs": [{"GroupId": found["coupon-production-bastion"].id}],
            }
        ],
    )  # fmt: skip
    ingress, _ = reach_tables(f for f in production_rig.find_all().values() if f.kind == "rules")
    assert ingress - TABLE == {("bastion", "api", 8080)}


def reach_tables(rules: Any) -> tuple[set[tuple[str, str, int]], set[tuple[str, str, int]]]:
    """(ingress, egress) as sets of (who, whom, port), from AWS' rules of every group."""
    found: list[Found] = list(rules)
    names = {one.id: one.name.removeprefix("coupon-production-") for one in found}
    names |= {"0.0.0.0/0": "world", OPERATOR: "operator"}
    ingress, egress = set(), set()
    for one in found:
        for protocol, first, last, peer in one.props["ingress"]:
            assert (protocol, first) == ("tcp", last)
            ingress.add((names[peer], names[one.id], first))
        for protocol, first, last, peer in one.props["egress"]:
            assert (protocol, first) == ("tcp", last)
            egress.add((names[one.id], names[peer], first))
    return ingress, egress


@pytest.mark.parametrize("role", ["cache", "database"])
def test_the_stores_start_nothing(production_rig: Any, role: str) -> None:
    production_rig.build()
    found = {one.name: one for one in production_rig.find_all().values() if one.kind == "rules"}
    assert found[f"coupon-production-{role}"].props["egress"] == frozenset()
