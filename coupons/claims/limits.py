"""What a claim and its campaign are bounded by, in Redis, in MySQL and in the API alike."""

import re

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")  # a campaign's name
MAX_STOCK = 10_000_000
MAX_PER_USER = 100
MAX_USER_BYTES = 128  # of a user's id
MAX_REQUEST_BYTES = 64  # of a request's id, as `coupons.observability.request_id` lets them be
PLACES_PER_CAMPAIGN = 2**32


def slot_id(campaign_id: int, place: int) -> int:
    """The primary key of a place's slot, and of the coupon that stands on it."""
    return campaign_id * PLACES_PER_CAMPAIGN + place
