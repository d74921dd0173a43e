"""The reachability table: which role may connect to which on which port. All security groups'
rules come from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioning.spec.model import Spec

SSH = 22
API = 8080  # the users' door
MERCHANTS = 8082  # the merchants' door; a listener forwards to it if the spec has a port for it
OPERATORS = 8090  # the operators' door: admin, health, metrics; no listener forwards to it
FRONT_METRICS = 8405  # HAProxy's own, on api hosts
CONSUMER = 8081
HOST_METRICS = 9100  # the node exporter
WORLD = "0.0.0.0/0"


@dataclass(frozen=True, order=True)
class Reach:
    """`who` may open a TCP connection to `whom` on `port`. `operator`, `shops` and `world` are
    outside."""

    who: str
    whom: str
    port: int
    why: str = ""


def reachability_table(spec: Spec) -> tuple[Reach, ...]:
    """The whole table of an environment with a group per role."""
    present = {hosts.role for hosts in spec.hosts}
    rows = [*_front(spec), *_ssh(present), *_stores(spec, present), *_monitoring(present)]
    if {"api", "consumer"} <= present:
        rows.append(Reach("consumer", "api", API, "the warm-up ten minutes before an opening"))
    return tuple(sorted(set(rows)))


def front_ports(spec: Spec) -> tuple[int, ...]:
    """The load balancer's ports: 80, and 443 with a certificate."""
    if spec.balancer is None:
        return ()
    return (80, 443) if spec.balancer.certificate_arn else (80,)


def _front(spec: Spec) -> Iterator[Reach]:
    if spec.balancer is None:
        return
    for port in front_ports(spec):
        yield Reach("world", "balancer", port, "users claim here")
    yield Reach("balancer", "api", API, "users' requests")
    if spec.balancer.merchants_port:
        yield Reach("shops", "balancer", spec.balancer.merchants_port, "shops' backends, by key")
        yield Reach("balancer", "api", MERCHANTS, "shops' requests")
    yield Reach("balancer", "api", OPERATORS, "health checks, and nothing else")


def _ssh(present: set[str]) -> Iterator[Reach]:
    yield Reach("operator", "bastion", SSH, "the only way in for people")
    for role in sorted(present - {"bastion"}):
        yield Reach("bastion", role, SSH, "Ansible and people, through the bastion")
    if "api" in present:
        yield Reach("bastion", "api", OPERATORS, "operators' browsers, through ssh -L")


def _stores(spec: Spec, present: set[str]) -> Iterator[Reach]:
    for role in sorted(present):
        for cache in spec.caches:
            yield Reach(role, "cache", cache.port, "redis-cli, admission, drain or exporter")
        yield Reach(role, "database", spec.database.port, "mysql client, reads, drain or exporter")


def _monitoring(present: set[str]) -> Iterator[Reach]:
    if "monitor" not in present:
        return
    yield Reach("monitor", "api", OPERATORS, "Prometheus scrapes /metrics")
    yield Reach("monitor", "api", FRONT_METRICS, "Prometheus scrapes the front")
    yield Reach("monitor", "consumer", CONSUMER, "Prometheus scrapes /metrics")
    for role in sorted(present - {"monitor"}):
        yield Reach("monitor", role, HOST_METRICS, "Prometheus scrapes the node exporter")
