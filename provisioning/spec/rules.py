"""What makes a well-typed spec wrong. Each rule adds its problems; none of them calls AWS."""

from __future__ import annotations

from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems
from provisioning.spec.rules_hosts import hosts, sizes
from provisioning.spec.rules_names import names
from provisioning.spec.rules_network import addresses, operator, subnets
from provisioning.spec.rules_stores import balancer, caches, database, secrets
from provisioning.spec.rules_watch import watch


def judge(spec: Spec, problems: Problems) -> None:
    """Adds every problem of the spec. All rules run, so that one report tells everything."""
    for rule in (
        names, operator, addresses, subnets, hosts, sizes, caches, database, balancer, secrets,
        watch,
    ):  # fmt: skip
        rule(spec, problems)
