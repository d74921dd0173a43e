"""scale: other counts of hosts than the spec's, until told otherwise; sleep, wake: a site between
sales. Each notes what was asked for in the account, and applies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioning.adjustments import Adjustments
from provisioning.cost import estimate_cost
from provisioning.discovery import Snapshot, discover_resources
from provisioning.errors import ProvisioningError
from provisioning.model import Key
from provisioning.run import Run
from provisioning.spec.model import Hosts, Spec
from provisioning.verbs.apply import apply
from provisioning.verbs.warm import reserved_now

FOUNDATIONS = ("vpc", "database", "cache-group", "cache-node", "balancer")
RDS_SLEEPS_DAYS = 7  # then AWS starts a stopped database by itself


def scale(run: Run, *, wanted: Mapping[str, int], at_once: int = 6) -> int:
    """`wanted`: role -> hosts. Returns 0, as apply. A count that is the spec's is forgotten."""
    if run.adjustments.asleep:
        raise ProvisioningError(
            "The environment is asleep: AWS registers no stopped host at a balancer.",
            todo="Run wake first.",
        )
    counts = dict(run.adjustments.counts)
    for role, count in wanted.items():
        group = _group_of(run.spec, role)
        _demand_same_names(group, count)
        counts.pop(group.name, None)
        if count != group.count:
            counts[group.name] = count
    before = _adjust(run, replace(run.adjustments, counts=counts), at_once)
    if _hosts_of(discover_resources(run.cloud)) - _hosts_of(before):
        run.show.say(
            "New hosts serve nothing yet: run inventory and site.yml. After an opening give the "
            "spec's counts to scale, or the new hosts go on costing."
        )
    return 0


def sleep(run: Run, *, at_once: int = 6) -> int:
    """Stops every host and the database. Returns 0."""
    run.show.ask("Nobody gets an answer from it until `wake`.")
    before = _adjust(run, replace(run.adjustments, asleep=True), at_once)
    run.show.say(
        "Asleep. Disks, caches, load balancer and NAT gateways go on costing: plan says how much. "
        f"AWS starts a stopped database again after {RDS_SLEEPS_DAYS} days: repeat sleep then."
    )
    if units := reserved_now(run, before.values()):
        run.show.say(f"{units} LCU of the load balancer stay reserved, and billed, until `cool`.")
    return 0


def wake(run: Run, *, at_once: int = 6) -> int:
    """Starts them again. Returns 0."""
    _adjust(run, replace(run.adjustments, asleep=False), at_once)
    if run.adjustments.asleep:
        run.show.say("Awake. The bastion has another public address: run inventory.")
    return 0


def _adjust(run: Run, asked: Adjustments, at_once: int) -> Snapshot:
    """Returns what was there before."""
    before = discover_resources(run.cloud)
    _demand_built(run, before)
    adjusted = replace(run, asked=asked)
    apply(adjusted, at_once=at_once)
    now, then = estimate_cost(adjusted.wants).monthly, estimate_cost(run.wants).monthly
    if now != then:
        run.show.say(f"The estimate is US$ {now:,.0f} a month now; it was {then:,.0f}.")
    return before


def _demand_built(run: Run, found: Snapshot) -> None:
    """These verbs change an environment that is there: they build none, nor what a destroy that was
    stopped has taken away."""
    missing = [w.key for w in run.wants if w.kind in FOUNDATIONS and w.key not in found]
    if missing:
        raise ProvisioningError(
            f"{run.spec.environment.name} isn't there as a whole: no {missing[0]}.",
            todo="Apply first; or, if it was being destroyed, destroy again.",
        )


def _hosts_of(found: Snapshot) -> set[Key]:
    return {key for key in found if key.kind == "host"}


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
