"""`ETag` of a campaign's definition, and `If-Match` of a change to it."""

import re

from rest_framework.request import Request

from coupons.api.merchant.idempotency import is_dry_run
from coupons.campaigns.definition import Conditions, definition_version
from coupons.errors import IfMatchMissing, VersionChanged
from coupons.models import Campaign

_ETAG = re.compile(r'"([0-9a-f]{32})"')


def etag_of(campaign: Campaign) -> str:
    return f'"{definition_version(campaign)}"'


def read_conditions(request: Request) -> Conditions:
    """What the change depends on: `If-Match: "…"` as GET sent it in ETag, or `*` for any version;
    `?dry_run=1`. Raises IfMatchMissing, VersionChanged (an ETag that is none of ours), BadInput."""
    given = request._request.META.get("HTTP_IF_MATCH", "").strip()
    if not given:
        raise IfMatchMissing("Send If-Match with the ETag that you read, or * for any.")
    etag = _ETAG.fullmatch(given)
    if given != "*" and etag is None:
        raise VersionChanged("The campaign was changed since you read it. Read it again.")
    version = etag[1] if etag else ""
    return Conditions(version=version, is_rehearsal=is_dry_run(request))
