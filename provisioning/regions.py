"""An environment stays in its region. Roles, profiles and budget belong to no region: in another
one they are all that is found of it, and would be changed or deleted under what still runs."""

from __future__ import annotations

import re

from provisioning.discovery import Snapshot
from provisioning.errors import ProvisioningError
from provisioning.spec.model import Spec

_LOGS = re.compile(r"arn:aws:logs:([a-z0-9-]+):")


def demand_region(spec: Spec, found: Snapshot) -> None:
    """Raises ProvisioningError if the environment's roles write their logs in another region."""
    policies = [one.props["policy"] for one in found.values() if one.kind == "role"]
    regions = {region for policy in policies for region in _LOGS.findall(policy)}
    if others := sorted(regions - {spec.environment.region}):
        raise ProvisioningError(
            f"{spec.environment.name} is in {others[0]}, the spec says {spec.environment.region}.",
            todo="Give an environment in another region another name.",
        )
