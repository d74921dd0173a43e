"""What the stores say about a campaign, read from outside."""

import time

from coupons.claims import coupon_codes
from coupons.models import Coupon, Tally
from coupons.store import store

_POLL_S = 0.02


def wait_for_coupons(slug: str, *, expected: int) -> dict[str, int]:
    """Wait until so many coupons are committed; when that was, by Redis' clock.

    Waits for ever: whoever asked ends us.
    """
    skew_ms = _skew_ms()
    stored = Tally.objects.filter(campaign__slug=slug).values_list("stored", flat=True)
    while stored.get() < expected:
        time.sleep(_POLL_S)
    return {"all_stored_ms": time.time_ns() // 1_000_000 - skew_ms}


def stored_coupons(slug: str) -> dict[str, object]:
    """Every stored coupon, with the code as people read it, and what is not stored."""
    rows = Coupon.objects.filter(campaign__slug=slug).values_list("user", "place", "code")
    gate = store().gate(slug)
    return {
        "rows": [[user, place, coupon_codes.grouped_code(code)] for user, place, code in rows],
        "waiting": gate.waiting,
        "parked": gate.parked,
    }


def starts_at(opens_ms: int) -> float:
    """The moment in this machine's clock (seconds) at which Redis' clock will say `opens_ms`."""
    return (opens_ms + _skew_ms()) / 1000


def _skew_ms() -> int:
    """How far this machine's clock is ahead of Redis'; 0 where they are the same."""
    before_ns = time.time_ns()
    redis_ms = store().now_ms()
    ours_ms = (before_ns + time.time_ns()) // 2_000_000
    return ours_ms - redis_ms
