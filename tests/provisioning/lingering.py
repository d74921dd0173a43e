"""Interfaces outlive the balancer, cache or database that had them: for some refusals they are in
the way of its subnets, groups and gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends

ANSWERS = 8  # refusals until they are gone


def leave_interfaces(owner: Any, name: str, subnets: set[str], groups: set[str]) -> None:
    """Called when the deletion begins; `owner` is the backend of its service."""
    ec2 = ec2_backends[owner.account_id][owner.region_name]
    left = vars(ec2).setdefault("lingering", {})
    left[name] = [subnets, groups, ANSWERS]


def lingering_interfaces(ec2: Any) -> Iterator[tuple[str, set[str], set[str]]]:
    """(name, subnets, groups) of the interfaces that are left; they go after some refusals."""
    left = vars(ec2).get("lingering", {})
    for name, interface in list(left.items()):
        interface[2] -= 1
        if interface[2] < 0:
            del left[name]
        else:
            yield name, interface[0], interface[1]
