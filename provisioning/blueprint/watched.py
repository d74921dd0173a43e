"""The resources that alarms watch, by the words of thresholds.toml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from provisioning.blueprint.names import each_host
from provisioning.model import Ref
from provisioning.spec.model import Balancer, Spec


class Watched(NamedTuple):
    """A name for the alarm, and CloudWatch's dimensions of its metric."""

    name: str
    dimensions: dict[str, Any]
    detailed: bool = False  # a host with detailed monitoring


def watched_resources(spec: Spec, of: str) -> Iterator[Watched]:
    """Every resource that gets an alarm for the kind `of`."""
    burst = of.startswith("burstable-")
    match of.removeprefix("burstable-"):
        case "host":
            yield from _hosts(spec, burst)
        case "database":
            if not burst or spec.database.type.startswith("db.t"):
                name = spec.database.name
                yield Watched(name, {"DBInstanceIdentifier": Ref("database", name)})
        case "cache":
            yield from _caches(spec, burst)
        case "service":
            yield Watched("service", {"Environment": spec.environment.name})
        case _:
            if spec.balancer:
                yield from _balancer(spec.balancer, of)


def _hosts(spec: Spec, burst: bool) -> Iterator[Watched]:
    for hosts in spec.hosts:
        if burst and not hosts.type.startswith("t"):
            continue
        for name, _ in each_host(spec, hosts):
            yield Watched(name, {"InstanceId": Ref("host", name)}, hosts.detailed_monitoring)


def _caches(spec: Spec, burst: bool) -> Iterator[Watched]:
    """AWS names the members of a replication group: NAME-001, NAME-002, ..."""
    for cache in spec.caches:
        if burst and not cache.type.startswith("cache.t"):
            continue
        members = [f"{cache.name}-{n:03}" for n in range(1, cache.replicas + 2)]
        for member in members if cache.managed_group else [cache.name]:
            yield Watched(member, {"CacheClusterId": member})


def _balancer(balancer: Balancer, of: str) -> Iterator[Watched]:
    front = {"LoadBalancer": Ref("balancer", balancer.name)}
    match of:
        case "balancer":
            yield Watched(balancer.name, front)
        case "targets":
            targets = {"TargetGroup": Ref("target-group", f"{balancer.name}-api")}
            yield Watched(balancer.name, {**targets, **front})
        case "certificate":
            if balancer.certificate_arn:
                yield Watched(balancer.name, {"CertificateArn": balancer.certificate_arn})
