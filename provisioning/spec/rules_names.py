"""Rules for names: a form that AWS accepts, and each used once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems

NAME = re.compile(r"^[A-Za-z][A-Za-z0-9-]{0,38}$")
SHORT = re.compile(r"^[a-z][a-z0-9-]{0,19}$")  # a load balancer's name has at most 32 characters
LOWERED = ("cache", "database")
FREE = ("environment", "project", "route table", "subnet group")  # by their own rules, or shared
REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")


def judge_names(spec: Spec, problems: Problems) -> None:
    _environment(spec, problems)
    named = list(spec_names(spec))
    counted = Counter((kind, name) for _, kind, name in named)
    for path, kind, name in named:
        if kind not in FREE and (not NAME.match(name) or name.endswith("-") or "--" in name):
            problems.add(path, f"{name!r} must be letters, digits and single hyphens, at most 39")
        if kind not in FREE and counted[kind, name] > 1:
            problems.add(path, f"{name!r} names two {kind}s")
        if kind in LOWERED and name != name.lower():
            problems.add(path, f"{name!r} must be lower case: AWS lowers the names of stores")
    _counted_hosts(spec, problems)


def _environment(spec: Spec, problems: Problems) -> None:
    for field in ("name", "project"):
        value = getattr(spec.environment, field)
        if not SHORT.match(value):
            problems.add(f"environment.{field}", f"{value!r} must be lower case, at most 20 long")
    if not REGION.match(spec.environment.region):
        problems.add("environment.region", f"{spec.environment.region!r} is no region's name")


def spec_names(spec: Spec) -> Iterator[tuple[str, str, str]]:
    """(path, what, name) of everything that the spec names."""
    yield "environment.name", "environment", spec.environment.name
    yield "environment.project", "project", spec.environment.project
    yield "network.vpc", "VPC", spec.network.vpc
    yield "network.internet_gateway", "gateway", spec.network.internet_gateway
    yield "key.name", "key pair", spec.key.name
    for i, subnet in enumerate(spec.network.subnets):
        yield f"network.subnets[{i}].name", "subnet", subnet.name
        yield f"network.subnets[{i}].route_table", "route table", subnet.route_table
    for i, host in enumerate(spec.hosts):
        yield f"hosts[{i}].name", "host", host.name
    for i, cache in enumerate(spec.caches):
        yield f"caches[{i}].name", "cache", cache.name
        yield f"caches[{i}].subnet_group", "subnet group", cache.subnet_group
    for i, secret in enumerate(spec.secrets):
        yield f"secrets[{i}].name", "secret", secret.name
    yield "database.name", "database", spec.database.name
    yield "database.subnet_group", "subnet group", spec.database.subnet_group
    if spec.balancer:
        yield "balancer.name", "balancer", spec.balancer.name
    if spec.edge:
        yield "edge.name", "distribution", spec.edge.name


def _counted_hosts(spec: Spec, problems: Problems) -> None:
    """`api` with count 2 makes api-1 and api-2: these must differ from the names of other hosts."""
    counted = Counter(name for host in spec.hosts for name in host_names(host.name, host.count))
    for i, host in enumerate(spec.hosts):
        clash = [name for name in host_names(host.name, host.count) if counted[name] > 1]
        if clash and host.count > 1:
            problems.add(f"hosts[{i}].name", f"its host {clash[0]!r} is also another's name")


def host_names(name: str, count: int) -> tuple[str, ...]:
    """The names of a group's hosts: the name itself for one host, else numbered from 1."""
    if count == 1:
        return (name,)
    return tuple(f"{name}-{number}" for number in range(1, count + 1))
