"""The types of events that merchants are told, and their bodies."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from coupons.models import OutboxMessage

COUPON_TYPES = (
    "coupon.reserved",
    "coupon.released",
    "coupon.redeemed",
    "coupon.redemption_cancelled",
    "coupon.revoked",
    "coupon.revocation_undone",
    "coupon.extended",
    "coupon.expired",
)
REVOKED = "coupon.revoked"
OPENED, CLOSED = "campaign.opened", "campaign.closed"
SOLD_OUT, COUPONS_ISSUED = "campaign.sold_out", "campaign.coupons_issued"
COUPONS_EXPIRED = "campaign.coupons_expired"  # by the sweep, a batch at a time
PROVED = "campaign.proved"
CAMPAIGN_TYPES = (OPENED, SOLD_OUT, CLOSED, COUPONS_ISSUED, COUPONS_EXPIRED, PROVED)
TEST = "webhook.test"  # asked for by the merchant, sent to one endpoint
TYPES = (*COUPON_TYPES, *CAMPAIGN_TYPES)
PATTERNS = ("coupon.*", "campaign.*", *TYPES)
MOST_BODY_BYTES = 20_000


def matches_type(patterns: Sequence[str], type: str) -> bool:
    """Whether an endpoint with these patterns wants events of this type. No patterns: all."""
    family = type.partition(".")[0] + ".*"
    return not patterns or type in patterns or family in patterns


def wire_body(message: OutboxMessage) -> bytes:
    """The body of a delivery, the same bytes at every attempt."""
    return orjson.dumps(
        {"type": message.type, "timestamp": _iso(message.at), "data": message.body},
        option=orjson.OPT_SORT_KEYS,
    )


def campaign_data(slug: str, **more: Any) -> dict[str, Any]:
    return {"campaign": slug, **more}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
