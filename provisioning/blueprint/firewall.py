"""Wanted: security groups and their rules, from the reachability table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.blueprint.names import group_name, group_ref, vpc_ref
from provisioning.blueprint.reachability import API, CONSUMER, SSH, WORLD, Reach, reachability_table
from provisioning.model import Ref, Want
from provisioning.spec.model import Spec

ALL = ("-1", -1, -1)
STORES = ("cache", "database")
WEB = (80, 443)  # outgoing: packages, SSM, CloudWatch


def firewall_wants(spec: Spec) -> Iterator[Want]:
    if spec.firewall.style == "default":
        yield from _default(spec)
        return
    for role in group_roles(spec):
        yield Want(
            kind="group",
            name=group_name(spec, role),
            props={"vpc": vpc_ref(spec)},
            hidden={"description": f"{role} of {spec.prefix}"},
        )
    table = reachability_table(spec)
    for role in group_roles(spec):
        yield _rules(spec, role, table)


def group_roles(spec: Spec) -> tuple[str, ...]:
    """Every role with a security group of its own."""
    front = ("balancer",) if spec.balancer else ()
    return (*front, *dict.fromkeys(hosts.role for hosts in spec.hosts), *STORES)


def _default(spec: Spec) -> Iterator[Want]:
    """The write-up's one group: members reach each other, the operator reaches three ports."""
    group = group_ref(spec, "any")
    operator = {
        ("tcp", port, port, address)
        for port in (SSH, API, CONSUMER)
        for address in spec.environment.operator
    }
    yield Want(kind="default-group", name=group.name, props={"vpc": vpc_ref(spec)})
    yield Want(
        kind="rules",
        name=group.name,
        props={
            "group": group,
            "ingress": frozenset({(*ALL, group), *operator}),
            "egress": frozenset({(*ALL, WORLD)}),
        },
    )


def _rules(spec: Spec, role: str, table: tuple[Reach, ...]) -> Want:
    return Want(
        kind="rules",
        name=group_name(spec, role),
        props={
            "group": group_ref(spec, role),
            "ingress": frozenset(
                _rule(row.port, peer)
                for row in table
                if row.whom == role
                for peer in _peers(spec, row.who)
            ),
            "egress": frozenset(
                {_rule(row.port, group_ref(spec, row.whom)) for row in table if row.who == role}
                | _to_the_world(role)
            ),
        },
    )


def _rule(port: int, peer: str | Ref) -> tuple[Any, ...]:
    return ("tcp", port, port, peer)


def _peers(spec: Spec, role: str) -> tuple[str | Ref, ...]:
    if role == "world":
        return (WORLD,)
    if role == "operator":
        return spec.environment.operator
    if role == "shops":
        return (spec.balancer.merchants_from if spec.balancer else ()) or (WORLD,)
    return (group_ref(spec, role),)


def _to_the_world(role: str) -> set[tuple[Any, ...]]:
    """Outgoing rules: hosts fetch packages and call AWS; stores and the load balancer open no
    connection to the outside."""
    return set() if role in (*STORES, "balancer") else {_rule(port, WORLD) for port in WEB}
