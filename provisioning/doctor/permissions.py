"""The rights that provisioning's credentials need: every AWS action it uses, and on what."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from provisioning.spec.model import Spec
from provisioning.tags import Scope

FILE = Path(__file__).parent / "permissions.toml"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """`on`: the resources of a policy for these actions. `examples`: ARNs of ours, for a
    simulation. `where`: values that the request must have, by condition key."""

    service: str
    actions: tuple[str, ...]
    on: tuple[str, ...]
    examples: tuple[str, ...]
    where: tuple[tuple[str, str], ...] = ()


@cache
def permission_table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def required_grants(spec: Spec, account: str) -> tuple[Grant, ...]:
    names = {
        "region": spec.environment.region,
        "account": account,
        "path": spec.path,
        "prefix": spec.prefix,
        "database": spec.database.name,
        "cache": spec.caches[0].name,
        "subnets": spec.database.subnet_group,
        "balancer": spec.balancer.name if spec.balancer else "none",
    }
    return tuple(
        Grant(
            service=service,
            actions=tuple(f"{row['prefix']}:{name}" for name in row["actions"]),
            on=tuple(arn.format(**names) for arn in row["on"]),
            examples=tuple(arn.format(**names) for arn in row.get("examples", row["on"])),
            where=_conditions(spec, row),
        )
        for service, row in permission_table().items()
    )


def _conditions(spec: Spec, row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    region = [("aws:RequestedRegion", spec.environment.region)] if row.get("regional") else []
    scope = Scope(project=spec.environment.project, environment=spec.environment.name)
    tags = [(f"aws:ResourceTag/{name}", value) for name, value in scope.owner().items()]
    return (*region, *(tags if row.get("ours") else []))


def permission_policy(spec: Spec, account: str) -> dict[str, Any]:
    """An IAM policy with exactly these rights, for the administrator who grants them."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid_of(grant.service), "Effect": "Allow", "Action": list(grant.actions)}
            | {"Resource": list(grant.on)}
            | ({"Condition": {"StringEquals": dict(grant.where)}} if grant.where else {})
            for grant in required_grants(spec, account)
        ],
    }


def sid_of(service: str) -> str:
    """IAM allows letters and digits only."""
    return "".join(word.capitalize() for word in service.split("-"))
