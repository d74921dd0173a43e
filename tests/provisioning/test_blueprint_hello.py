"""`hello` is exactly the topology of the write-up: nothing is missing, nothing is added."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.blueprint.environment import build_blueprint
from provisioning.model import Key, Ref, Want
from provisioning.spec.load import load_spec

OPERATOR = "198.51.100.7/32"


@pytest.fixture(scope="module")
def hello_wants() -> dict[Key, Want]:
    return {
        want.key: want
        for want in build_blueprint(load_spec(environment="hello", operator=(OPERATOR,)))
    }


def props_of(wants: dict[Key, Want], kind: str, name: str) -> Any:
    return wants[Key(kind, name)].props


def test_it_has_these_resources_and_no_others(hello_wants: dict[Key, Want]) -> None:
    named = {(key.kind, key.name) for key in hello_wants if key.kind != "secret"}
    assert named == {
        ("vpc", "hello-vpc"),
        ("internet-gateway", "hello-ig"),
        ("subnet", "hello-public-subnet"),
        ("subnet", "hello-private-subnet"),
        ("subnet", "hello-db-subnet"),
        ("route-table", "public-subnet-rt"),
        ("route-table", "private-subnet-rt"),
        ("route-table", "db-subnet-rt"),
        ("default-group", "hello-default"),
        ("rules", "hello-default"),
        ("key-pair", "helloAWS"),
        ("host", "coupon-api"),
        ("host", "coupon-consumer"),
        ("host", "redis-test"),
        ("cache-subnets", "coupon-subnet-group"),
        ("cache-node", "coupon-redis"),
        ("db-subnets", "coupon-db-subnet-group"),
        ("database", "coupon-db"),
    }


def test_the_network_is_as_written(hello_wants: dict[Key, Want]) -> None:
    assert props_of(hello_wants, "vpc", "hello-vpc") == {
        "cidr": "10.0.0.0/16",
        "dns_hostnames": True,
    }
    subnets = {
        name: (p["cidr"], p["zone"])
        for (kind, name), p in ((key, want.props) for key, want in hello_wants.items())
        if kind == "subnet"
    }
    assert subnets == {
        "hello-public-subnet": ("10.0.0.0/24", "ap-northeast-2a"),
        "hello-private-subnet": ("10.0.1.0/24", "ap-northeast-2a"),
        "hello-db-subnet": ("10.0.2.0/24", "ap-northeast-2c"),
    }
    assert props_of(hello_wants, "internet-gateway", "hello-ig") == {"vpc": Ref("vpc", "hello-vpc")}


def test_each_subnet_has_its_own_table_and_only_the_public_one_leads_out(
    hello_wants: dict[Key, Want],
) -> None:
    tables = {
        key.name: (want.props["subnets"], want.props["routes"])
        for key, want in hello_wants.items()
        if key.kind == "route-table"
    }
    assert tables == {
        "public-subnet-rt": (
            {Ref("subnet", "hello-public-subnet")},
            {"0.0.0.0/0": Ref("internet-gateway", "hello-ig")},
        ),
        "private-subnet-rt": ({Ref("subnet", "hello-private-subnet")}, {}),
        "db-subnet-rt": ({Ref("subnet", "hello-db-subnet")}, {}),
    }


@pytest.mark.parametrize(
    ("name", "size", "role"),
    [
        ("coupon-api", "t2.medium", "api"),
        ("coupon-consumer", "t2.medium", "consumer"),
        ("redis-test", "t2.micro", "bastion"),
    ],
)
def test_the_hosts_are_as_written(
    hello_wants: dict[Key, Want], name: str, size: str, role: str
) -> None:
    host = props_of(hello_wants, "host", name)
    assert (host["type"], host["role"]) == (size, role)
    assert host["subnet"] == Ref("subnet", "hello-public-subnet")
    assert host["public_ip"] is True
    assert host["key"] == Ref("key-pair", "helloAWS")
    assert host["groups"] == {Ref("default-group", "hello-default")}


def test_the_stores_are_as_written(hello_wants: dict[Key, Want]) -> None:
    cache = props_of(hello_wants, "cache-node", "coupon-redis")
    assert (cache["engine"], cache["type"], cache["port"]) == ("redis", "cache.t3.micro", 6380)
    assert props_of(hello_wants, "cache-subnets", "coupon-subnet-group")["subnets"] == {
        Ref("subnet", "hello-private-subnet")
    }
    database = props_of(hello_wants, "database", "coupon-db")
    assert (database["type"], database["version"]) == ("db.t4g.micro", "8.0.35")
    assert database["public"] is False
    assert props_of(hello_wants, "db-subnets", "coupon-db-subnet-group")["subnets"] == {
        Ref("subnet", "hello-private-subnet"),
        Ref("subnet", "hello-db-subnet"),
    }


def test_the_default_group_opens_three_ports_to_the_operator_only(
    hello_wants: dict[Key, Want],
) -> None:
    inside = ("-1", -1, -1, Ref("default-group", "hello-default"))
    assert props_of(hello_wants, "rules", "hello-default")["ingress"] == {
        inside,
        ("tcp", 22, 22, OPERATOR),
        ("tcp", 8080, 8080, OPERATOR),
        ("tcp", 8081, 8081, OPERATOR),
    }
