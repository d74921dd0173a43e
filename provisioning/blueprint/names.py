"""Names and references that the blueprint's parts share."""

from __future__ import annotations

from provisioning.model import Ref
from provisioning.spec.model import Hosts, Spec, Subnet
from provisioning.spec.rules_names import host_names


def vpc_ref(spec: Spec) -> Ref:
    return Ref("vpc", spec.network.vpc)


def gateway_ref(spec: Spec) -> Ref:
    return Ref("internet-gateway", spec.network.internet_gateway)


def subnet_refs(spec: Spec, *tiers: str) -> frozenset[Ref]:
    return frozenset(Ref("subnet", subnet.name) for subnet in spec.tier(*tiers))


def group_name(spec: Spec, role: str) -> str:
    """The VPC's default group with the firewall style "default"; else each role has its own."""
    if spec.firewall.style == "default":
        return f"{spec.environment.name}-default"
    return f"{spec.prefix}-{role}"


def group_ref(spec: Spec, role: str) -> Ref:
    kind = "default-group" if spec.firewall.style == "default" else "group"
    return Ref(kind, group_name(spec, role))


def each_host(spec: Spec, hosts: Hosts) -> tuple[tuple[str, Subnet], ...]:
    """(name, subnet) of every host of a group, distributed over the tier's subnets in turn."""
    places = spec.tier(hosts.tier)
    names = host_names(hosts.name, hosts.count)
    return tuple((name, places[i % len(places)]) for i, name in enumerate(names))


def secret_ref(name: str) -> Ref:
    return Ref("secret", name)
