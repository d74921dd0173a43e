"""Holds every name that the blueprint makes against AWS' rule for its kind."""

from __future__ import annotations

from provisioning.blueprint.environment import build_blueprint
from provisioning.name_rules import NAME_RULES
from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems
from provisioning.spec.rules_names import spec_names


def judge_made_names(spec: Spec, problems: Problems) -> None:
    """Adds each name that AWS would refuse, at the name of the spec that it is made of."""
    for want in build_blueprint(spec):
        if problem := NAME_RULES[want.kind].problem(want.name):
            path = _source(spec, want.name)
            problems.add(path, f"the {want.kind} would be named {want.name!r}, which {problem}")


def _source(spec: Spec, made: str) -> str:
    """The path of the longest name of the spec that is a part of this one."""
    parts = [(len(name), path) for path, _, name in spec_names(spec) if name and name in made]
    return max(parts, default=(0, "environment.name"))[1]
