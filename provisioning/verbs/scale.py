"""scale: other counts of hosts than the spec's, until told otherwise; sleep, wake: a site between
sales. Each notes what was asked for in the account, and applies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioning.adjustments import Adjustments
from provisioning.errors import ProvisioningError
from provisioning.run import Run
from provisioning.spec.model import Hosts, Spec
from provisioning.verbs.apply import apply

RDS_SLEEPS_DAYS = 7  # then AWS starts a stopped database by itself


def scale(run: Run, *, wanted: Mapping[str, int], at_once: int = 6) -> int:
    """`wanted`: role -> hosts. Returns 0, as apply. A count that is the spec's is forgotten."""
    counts = dict(run.adjustments.counts)
    for role, count in wanted.items():
        group = _group_of(run.spec, role)
        _demand_same_names(group, count)
        counts.pop(group.name, None)
        if count != group.count:
            counts[group.name] = count
    _adjust(run, replace(run.adjustments, counts=counts), at_once)
    run.show.say(
        "New hosts serve nothing yet: run inventory and site.yml. After an opening give the "
        "spec's counts to scale, or the new hosts go on costing."
    )
    return 0


def sleep(run: Run, *, at_once: int = 6) -> int:
    """Stops every host and the database. Returns 0."""
    run.show.ask("Nobody gets an answer from it until `wake`.")
    _adjust(run, replace(run.adjustments, asleep=True), at_once)
    run.show.say(
        "Asleep. Disks, caches, load balancer and NAT gateways go on costing: plan says how much. "
        f"AWS starts a stopped database again after {RDS_SLEEPS_DAYS} days: repeat sleep then."
    )
    return 0


def wake(run: Run, *, at_once: int = 6) -> int:
    """Starts them again. Returns 0."""
    _adjust(run, replace(run.adjustments, asleep=False), at_once)
    run.show.say("Awake. The bastion has another public address: run inventory.")
    return 0


def _adjust(run: Run, asked: Adjustments, at_once: int) -> None:
    apply(replace(run, asked=asked), at_once=at_once)


def _group_of(spec: Spec, role: str) -> Hosts:
    groups = spec.role(role)
    if len(groups) != 1:
        names = ", ".join(group.name for group in groups) or "none"
        raise ProvisioningError(
            f"scale changes the one group of {role} hosts; the spec has: {names}.",
            todo="Change `count` in the spec, and apply it.",
        )
    return groups[0]


def _demand_same_names(group: Hosts, count: int) -> None:
    """Several hosts are numbered, a single one is not: it would be replaced."""
    if (group.count == 1) != (count == 1):
        single = "is" if group.count == 1 else "would be"
        raise ProvisioningError(
            f"A single host {single} called {group.name}, several are numbered: none would stay.",
            todo=f"Change `count` of {group.name} in the spec and apply it: all are replaced.",
        )
