"""Wanted: the load balancer in front of the api hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.blueprint.names import each_host, gateway_ref, group_ref, subnet_refs, vpc_ref
from provisioning.blueprint.reachability import API, MERCHANTS, OPERATORS
from provisioning.model import Key, Ref, Want
from provisioning.resources.distribution_config import PATHS
from provisioning.spec.model import Balancer, Edge, Spec

# Seconds the balancer keeps an idle connection to an api host. The host's front keeps it longer
# (front_idle_s), or a request could be sent into a connection that is just being closed: 502.
IDLE_S = 60
IDLE_ATTRIBUTE = "idle_timeout.timeout_seconds"


def load_balancer_wants(spec: Spec) -> Iterator[Want]:
    wanted = spec.balancer
    if wanted is None:
        return
    yield _targets(spec, wanted, f"{wanted.name}-api", API)
    if wanted.merchants_port:
        yield _targets(spec, wanted, merchants_group(wanted), MERCHANTS)
    yield Want(
        kind="balancer",
        name=wanted.name,
        props={
            "subnets": subnet_refs(spec, "public"),
            "groups": frozenset({group_ref(spec, "balancer")}),
            "attributes": {
                "deletion_protection.enabled": "true" if wanted.protected else "false",
                "routing.http.drop_invalid_header_fields.enabled": "true",
                IDLE_ATTRIBUTE: str(IDLE_S),
            },
        },
        after=(gateway_ref(spec).key,),
    )
    yield from _listeners(wanted)
    if spec.edge:
        yield _distribution(spec.edge, wanted)


def _distribution(edge: Edge, behind: Balancer) -> Want:
    return Want(
        kind="distribution",
        name=edge.name,
        props={
            "balancer": Ref("balancer", behind.name),
            "enabled": True,
            "hostnames": frozenset(behind.hostnames),
            "certificate": edge.certificate_arn,
            "price_class": edge.price_class,
            "behaviours": PATHS,
            "errors_kept": frozenset(),
        },
        after=(Key("listener", f"{behind.name}-{443 if behind.certificate_arn else 80}"),),
    )


def merchants_group(wanted: Balancer) -> str:
    """The name of the target group of the merchants' doors."""
    return f"{wanted.name}-merchants"


def _targets(spec: Spec, wanted: Balancer, name: str, port: int) -> Want:
    members = [
        Ref("host", name) for hosts in spec.role("api") for name, _ in each_host(spec, hosts)
    ]
    return Want(
        kind="target-group",
        name=name,
        props={
            "vpc": vpc_ref(spec),
            "port": port,
            "health_port": OPERATORS,
            "health_path": wanted.health_path,
            "targets": frozenset(members),
            "drain_seconds": 30,  # enough: a claim takes milliseconds; AWS' default is 300
        },
    )


def _listeners(wanted: Balancer) -> Iterator[Want]:
    forward = Ref("target-group", f"{wanted.name}-api")
    if wanted.certificate_arn:
        yield _listener(wanted, 443, forward, wanted.certificate_arn)
        yield _listener(wanted, 80, "redirect", "")
    else:
        yield _listener(wanted, 80, forward, "")
    if wanted.merchants_port:
        shops = Ref("target-group", merchants_group(wanted))
        yield _listener(wanted, wanted.merchants_port, shops, wanted.certificate_arn)


def _listener(wanted: Balancer, port: int, target: Any, certificate: str) -> Want:
    return Want(
        kind="listener",
        name=f"{wanted.name}-{port}",
        props={
            "balancer": Ref("balancer", wanted.name),
            "port": port,
            "target": target,
            "certificate": certificate,
        },
    )
