"""Wanted: VPC, subnets, internet gateway, NAT gateways, route tables, S3 endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.blueprint.names import gateway_ref, vpc_ref
from provisioning.model import Ref, Want
from provisioning.spec.model import Spec

ANYWHERE = "0.0.0.0/0"


def network_wants(spec: Spec) -> Iterator[Want]:
    yield Want(
        kind="vpc",
        name=spec.network.vpc,
        props={"cidr": spec.network.cidr, "dns_hostnames": True},
    )
    yield Want(
        kind="internet-gateway", name=spec.network.internet_gateway, props={"vpc": vpc_ref(spec)}
    )
    for subnet in spec.network.subnets:
        yield Want(
            kind="subnet",
            name=subnet.name,
            props={
                "vpc": vpc_ref(spec),
                "cidr": subnet.cidr,
                "zone": f"{spec.environment.region}{subnet.zone}",
                "public_addresses": subnet.tier == "public",
            },
        )
    yield from _nats(spec)
    yield from _tables(spec)
    if spec.network.s3_endpoint:
        yield _s3(spec)


def nat_zones(spec: Spec) -> tuple[str, ...]:
    """The zones that get a NAT gateway: none, the first with a public subnet, or each that has both
    a public and a private subnet."""
    zones = sorted({subnet.zone for subnet in spec.tier("public")})
    if spec.network.nat == "per-zone":
        private = {subnet.zone for subnet in spec.tier("private")}
        return tuple(zone for zone in zones if zone in private)
    return tuple(zones[:1]) if spec.network.nat == "one" else ()


def _nats(spec: Spec) -> Iterator[Want]:
    homes = {subnet.zone: subnet.name for subnet in reversed(spec.tier("public"))}
    for zone in nat_zones(spec):
        name = f"{spec.prefix}-nat-{zone}"
        yield Want(kind="address", name=name, props={})
        yield Want(
            kind="nat",
            name=name,
            props={"subnet": Ref("subnet", homes[zone]), "address": Ref("address", name)},
            after=(gateway_ref(spec).key,),  # AWS refuses a NAT in a VPC without a gateway
        )


def _tables(spec: Spec) -> Iterator[Want]:
    names = dict.fromkeys(subnet.route_table for subnet in spec.network.subnets)
    for name in names:
        members = [subnet for subnet in spec.network.subnets if subnet.route_table == name]
        yield Want(
            kind="route-table",
            name=name,
            props={
                "vpc": vpc_ref(spec),
                "subnets": frozenset(Ref("subnet", subnet.name) for subnet in members),
                "routes": _default_route(spec, members[0].tier, members[0].zone),
            },
        )


def _default_route(spec: Spec, tier: str, zone: str) -> dict[str, Ref]:
    """The default route. public: the internet gateway. private: its zone's NAT, or another zone's,
    if there is any. db: never one."""
    if tier == "public":
        return {ANYWHERE: gateway_ref(spec)}
    zones = nat_zones(spec)
    if tier == "private" and zones:
        nearest = zone if zone in zones else zones[0]
        return {ANYWHERE: Ref("nat", f"{spec.prefix}-nat-{nearest}")}
    return {}


def _s3(spec: Spec) -> Want:
    served = {subnet.route_table for subnet in spec.tier("public", "private")}
    return Want(
        kind="s3-endpoint",
        name=f"{spec.prefix}-s3",
        props={
            "vpc": vpc_ref(spec),
            "service": f"com.amazonaws.{spec.environment.region}.s3",
            "tables": frozenset(Ref("route-table", name) for name in served),
        },
    )
