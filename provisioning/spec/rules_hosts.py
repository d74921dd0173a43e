"""Rules for hosts: known roles, existing sizes, and a tier that has subnets."""

from __future__ import annotations

from provisioning.prices import load_prices
from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems
from provisioning.spec.releases import UBUNTU

ROLES = ("api", "consumer", "bastion", "monitor")
NEEDED = ("api", "consumer", "bastion")
MOST = 50  # of one group; more is most likely a typing error


def judge_hosts(spec: Spec, problems: Problems) -> None:
    for i, host in enumerate(spec.hosts):
        path = f"hosts[{i}]"
        if host.role not in ROLES:
            problems.add(f"{path}.role", f"{host.role!r} is none of {', '.join(ROLES)}")
        if not spec.tier(host.tier):
            problems.add(f"{path}.tier", f"there is no subnet of tier {host.tier!r}")
        if host.tier == "db":
            problems.add(f"{path}.tier", "db subnets are for stores; they have no way out")
        if not 1 <= host.count <= MOST:
            problems.add(f"{path}.count", f"must be 1 to {MOST}, is {host.count}")
        if not 8 <= host.disk_gb <= 1000:
            problems.add(f"{path}.disk_gb", f"must be 8 to 1000 GB, is {host.disk_gb}")
        if host.public_ip and host.tier != "public":
            problems.add(f"{path}.public_ip", "only a host in a public subnet can use one")
    for role in NEEDED:
        if not spec.role(role):
            problems.add("hosts", f"no host has the role {role!r}")
    if not spec.image.ami and spec.image.release not in UBUNTU:
        problems.add("image.release", f"{spec.image.release!r} is none of {', '.join(UBUNTU)}")
    _public_roles(spec, problems)


def _public_roles(spec: Spec, problems: Problems) -> None:
    """With a group per role, public subnets are for load balancer, NAT and bastion only."""
    for i, host in enumerate(spec.hosts):
        exposed = host.tier == "public" and host.role != "bastion"
        if exposed and spec.firewall.style == "roles":
            problems.add(f"hosts[{i}].tier", f"{host.role} hosts belong in a private subnet")
        if host.role == "bastion" and not host.public_ip:
            problems.add(f"hosts[{i}].public_ip", "the bastion needs one to be reached")


def judge_sizes(spec: Spec, problems: Problems) -> None:
    prices = load_prices()
    wanted = [(f"hosts[{i}].type", host.type, "ec2") for i, host in enumerate(spec.hosts)]
    wanted += [(f"caches[{i}].type", cache.type, "cache") for i, cache in enumerate(spec.caches)]
    wanted += [("database.type", spec.database.type, "db")]
    for path, size, service in wanted:
        known = sorted(prices.hourly[service])
        if size not in known:
            problems.add(path, f"unknown size {size!r}; known in prices.toml: {', '.join(known)}")
