"""Limits of claims and campaigns; the same in Redis, MySQL and the API."""

import re

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")  # a campaign's name
MAX_STOCK = 10_000_000
MAX_PER_USER = 100
MAX_USER_BYTES = 128  # length of a user id
MAX_REQUEST_BYTES = 64  # length of a request id, as `coupons.observability.request_id` allows
PLACES_PER_CAMPAIGN = 2**32


def slot_id(campaign_id: int, place: int) -> int:
    """The primary key of a place's slot and of the coupon on that place."""
    return campaign_id * PLACES_PER_CAMPAIGN + place
