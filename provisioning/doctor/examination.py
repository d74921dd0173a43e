"""All of the doctor's questions, in an order in which one that fails doesn't hide the rest."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.aws import Cloud
from provisioning.doctor.finding import BAD, OK, Finding, ask
from provisioning.doctor.offers import offers
from provisioning.doctor.quotas import quotas
from provisioning.doctor.rights import rights
from provisioning.spec.model import Spec


def examine(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    first = ask("credentials", lambda: _credentials(cloud), failed=BAD)
    yield first
    if first.verdict != OK:
        return  # nothing else can be known
    yield from offers(spec, cloud)
    yield from quotas(spec, cloud)
    yield from rights(spec, cloud)


def _credentials(cloud: Cloud) -> tuple[str, str]:
    who = cloud.sts.get_caller_identity()
    return OK, f"{who['Arn']} in account {who['Account']}"
