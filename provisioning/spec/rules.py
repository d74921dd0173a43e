"""Validation of a well-typed spec. Each rule adds its problems; none of them calls AWS."""

from __future__ import annotations

from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems
from provisioning.spec.rules_hosts import judge_hosts, judge_sizes
from provisioning.spec.rules_names import judge_names
from provisioning.spec.rules_network import judge_addresses, judge_operator, judge_subnets
from provisioning.spec.rules_stores import (
    judge_balancer,
    judge_caches,
    judge_database,
    judge_edge,
    judge_secrets,
)
from provisioning.spec.rules_watch import judge_observation
from provisioning.spec.rules_windows import judge_windows


def judge_spec(spec: Spec, problems: Problems) -> None:
    """Adds every problem of the spec. All rules run, so that one report has all problems."""
    for rule in (
        judge_names, judge_operator, judge_addresses, judge_subnets, judge_hosts, judge_sizes,
        judge_caches, judge_database, judge_balancer, judge_edge, judge_secrets, judge_observation,
        judge_windows,
    ):  # fmt: skip
        rule(spec, problems)
