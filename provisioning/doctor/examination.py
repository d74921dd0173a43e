"""All of the doctor's checks, in an order in which one that fails doesn't hide the others."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.aws import Cloud
from provisioning.doctor.finding import BAD, OK, Finding, make_finding
from provisioning.doctor.offers import check_offers
from provisioning.doctor.quotas import check_quotas
from provisioning.doctor.rights import check_rights
from provisioning.spec.model import Spec


def examine_account(spec: Spec, cloud: Cloud) -> Iterator[Finding]:
    first = make_finding("credentials", lambda: _credentials(cloud), failed=BAD)
    yield first
    if first.verdict != OK:
        return  # no other check can work
    yield from check_offers(spec, cloud)
    yield from check_quotas(spec, cloud)
    yield from check_rights(spec, cloud)


def _credentials(cloud: Cloud) -> tuple[str, str]:
    identity = cloud.sts.get_caller_identity()
    return OK, f"{identity['Arn']} in account {identity['Account']}"
