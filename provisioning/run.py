"""What every verb starts with: the validated spec, the cloud, and the output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from provisioning.aws import Cloud
from provisioning.blueprint.environment import build_blueprint
from provisioning.discovery import Snapshot, discover_resources
from provisioning.model import Plan, Want
from provisioning.output import Show
from provisioning.plan import make_plan
from provisioning.spec.model import Spec


@dataclass
class Run:
    spec: Spec
    cloud: Cloud
    show: Show

    @cached_property
    def wants(self) -> tuple[Want, ...]:
        return build_blueprint(self.spec)

    def examine(self) -> tuple[Snapshot, Plan]:
        """The existing resources, and the plan."""
        found = discover_resources(self.cloud)
        return found, make_plan(self.wants, found)
