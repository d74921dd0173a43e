"""Rules for addresses and subnets: in range, disjoint, in suitable zones."""

from __future__ import annotations

import ipaddress
from itertools import combinations

from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems

TIERS = ("public", "private", "db")
NAT = ("none", "one", "per-zone")
WIDEST, NARROWEST = 16, 28  # prefix lengths that AWS accepts for a VPC and for a subnet


def judge_operator(spec: Spec, problems: Problems) -> None:
    if not spec.environment.operator:
        problems.add(
            "environment.operator",
            "is missing: give your address with --operator 198.51.100.7/32, or in COUPON_OPERATOR",
        )
    for text in spec.environment.operator:
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError as wrong:
            problems.add("environment.operator", f"{text!r} is no IPv4 network: {wrong}")
            continue
        if network.prefixlen < 24:
            problems.add(
                "environment.operator", f"{text} is too wide for one operator (/24 at most)"
            )


def judge_addresses(spec: Spec, problems: Problems) -> None:
    vpc = _network(spec.network.cidr, "network.cidr", problems)
    if vpc and not vpc.is_private:
        problems.add("network.cidr", f"{vpc} is public address space")
    inside: dict[str, ipaddress.IPv4Network] = {}
    for i, subnet in enumerate(spec.network.subnets):
        path = f"network.subnets[{i}].cidr"
        network = _network(subnet.cidr, path, problems)
        if network and vpc and not network.subnet_of(vpc):
            problems.add(path, f"{network} lies outside the VPC's {vpc}")
        if network:
            inside[path] = network
    for (_, first), (path, other) in combinations(inside.items(), 2):
        if first.overlaps(other):
            problems.add(path, f"{other} overlaps {first}")


def _network(text: str, path: str, problems: Problems) -> ipaddress.IPv4Network | None:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as wrong:
        problems.add(path, f"{text!r} is no IPv4 network: {wrong}")
        return None
    if not WIDEST <= network.prefixlen <= NARROWEST:
        problems.add(path, f"{network} must be between /{WIDEST} and /{NARROWEST}")
    return network


def judge_subnets(spec: Spec, problems: Problems) -> None:
    tables: dict[str, str] = {}
    for i, subnet in enumerate(spec.network.subnets):
        path = f"network.subnets[{i}]"
        if subnet.tier not in TIERS:
            problems.add(f"{path}.tier", f"{subnet.tier!r} is none of {', '.join(TIERS)}")
        if len(subnet.zone) != 1 or not subnet.zone.islower():
            problems.add(f"{path}.zone", f"{subnet.zone!r} must be a zone's letter, like 'a'")
        if tables.setdefault(subnet.route_table, subnet.tier) != subnet.tier:
            problems.add(f"{path}.route_table", "is shared by subnets of different tiers")
    if not spec.tier("public"):
        problems.add("network.subnets", "none is public: the bastion would be out of reach")
    _nat(spec, problems)


def _nat(spec: Spec, problems: Problems) -> None:
    if spec.network.nat not in NAT:
        problems.add("network.nat", f"{spec.network.nat!r} is none of {', '.join(NAT)}")
    if spec.network.nat != "per-zone":
        return
    public = {subnet.zone for subnet in spec.tier("public")}
    zones: dict[str, str] = {}
    for i, subnet in enumerate(spec.network.subnets):
        if subnet.tier != "private":
            continue
        path = f"network.subnets[{i}]"
        if subnet.zone not in public:
            problems.add(f"{path}.zone", f"zone {subnet.zone!r} has no public subnet for its NAT")
        if zones.setdefault(subnet.route_table, subnet.zone) != subnet.zone:
            problems.add(f"{path}.route_table", "one NAT per zone needs one route table per zone")
