"""Names for which AWS has no room beside the old one: the plan refuses them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from provisioning.model import Action, Found, Key, Step, Want


def refuse_crowded(steps: Iterable[Step], found: Mapping[Key, Found]) -> tuple[Step, ...]:
    """The same steps; one that would make something beside its predecessor, which is removed last
    and which AWS doesn't let it stand beside, is a refusal with its reason."""
    all_steps = tuple(steps)
    if any(step.key.kind == "vpc" and step.action is Action.CREATE for step in all_steps):
        return all_steps  # a new VPC has room for everything
    going = [found[step.key] for step in all_steps if step.action is Action.DELETE]
    return tuple(_judged(step, going) for step in all_steps)


def _judged(step: Step, going: Iterable[Found]) -> Step:
    if step.action is not Action.CREATE:
        return step
    for old in going:
        if old.kind == step.key.kind and (reason := _conflict(step.the_want, old)):
            return Step(key=step.key, action=Action.REFUSE, reason=reason, want=step.want)
    return step


def _conflict(want: Want, old: Found) -> str:
    if want.kind == "internet-gateway":
        return (
            f"a VPC has one gateway, and {old.name} can't be renamed: keep its name in the spec, "
            "or destroy the environment first"
        )
    if want.kind == "distribution" and want.props["hostnames"] & old.props["hostnames"]:
        return (
            f"two distributions can't have the same names, and {old.name} goes last: keep its name "
            "in the spec, or take it out of the spec and apply first"
        )
    if want.kind == "subnet" and _overlap(want.props["cidr"], old.props["cidr"]):
        return (
            f"its range is that of {old.name}, which can't be renamed and goes last: keep the "
            "name in the spec, or take another range"
        )
    return ""


def _overlap(one: str, other: str) -> bool:
    return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(other))
