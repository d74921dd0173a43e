"""What every verb starts with: the validated spec, the cloud, and the output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from provisioning.adjustments import (
    Adjustments,
    adjusted_wants,
    read_adjustments,
    write_adjustments,
)
from provisioning.aws import Cloud
from provisioning.discovery import Snapshot, discover_resources
from provisioning.model import Plan, Want
from provisioning.output import Show
from provisioning.plan import make_plan
from provisioning.regions import demand_region
from provisioning.spec.model import Spec


@dataclass
class Run:
    spec: Spec
    cloud: Cloud
    show: Show
    asked: Adjustments | None = None  # what this run asks for, in place of what was before

    @cached_property
    def adjustments(self) -> Adjustments:
        """What scale and sleep asked for, now or before."""
        return read_adjustments(self.cloud) if self.asked is None else self.asked

    @cached_property
    def wants(self) -> tuple[Want, ...]:
        return adjusted_wants(self.spec, self.adjustments)

    def keep_adjustments(self) -> None:
        """Note in the account what this run asks for, for the runs after it."""
        if self.asked is not None and self.asked != read_adjustments(self.cloud):
            write_adjustments(self.cloud, self.asked)

    def examine(self) -> tuple[Snapshot, Plan]:
        """The existing resources, and the plan."""
        found = discover_resources(self.cloud)
        demand_region(self.spec, found)
        return found, make_plan(self.wants, found)
