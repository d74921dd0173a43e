"""The verdict about one user of a grant."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    GRANTED = "granted"
    HAS_PLACE = "has_place"  # before: the user keeps that place, and nothing changed
    REFUSED = "refused"  # for good; `reason` says why
    LATER = "later"  # too many claims wait to be stored: ask again


class Refusal(StrEnum):
    BAD_USER = "bad_user"  # not text of 1 to MAX_USER_BYTES bytes
    BAD_NTH = "bad_nth"  # not from 1 to the campaign's `per_user`
    NO_TIME_LEFT = "no_time_left"  # the coupon would have expired already
    STOCK_LIMIT = "stock_limit"  # a campaign can't have more coupons


@dataclass(frozen=True, slots=True)
class Granted:
    """`place` and `at_ms` (the deciding store's clock) are 0 without a place."""

    user: str
    nth: int
    verdict: Verdict
    place: int = 0
    at_ms: int = 0
    reason: str = ""
