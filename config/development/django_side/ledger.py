"""Reads the state of a campaign from the stores."""

import time

from coupons.claims import coupon_codes
from coupons.models import Coupon, CouponEvent, CouponLife, CouponState, Tally, Verb
from coupons.store import store

_POLL_S = 0.02


def wait_for_coupons(slug: str, *, expected: int) -> dict[str, int]:
    """Wait until so many coupons are committed. Returns when that was, by Redis' clock.

    Waits without a timeout: the parent process ends us.
    """
    skew_ms = _skew_ms()
    stored = Tally.objects.filter(campaign__slug=slug).values_list("stored", flat=True)
    while stored.get() < expected:
        time.sleep(_POLL_S)
    return {"all_stored_ms": time.time_ns() // 1_000_000 - skew_ms}


def stored_coupons(slug: str) -> dict[str, object]:
    """Every stored coupon, its code grouped as users see it, and the numbers of waiting and parked
    claims."""
    rows = Coupon.objects.filter(campaign__slug=slug).values_list("user", "place", "code")
    gate = store().campaigns.gate(slug)
    return {
        "rows": [[user, place, coupon_codes.grouped_code(code)] for user, place, code in rows],
        "waiting": gate.waiting,
        "parked": gate.parked,
    }


def coupon_lives(slug: str) -> dict[str, int]:
    """How many coupons are redeemed or revoked, and how many redemptions were cancelled."""
    lives = CouponLife.objects.filter(campaign__slug=slug)
    cancelled = CouponEvent.objects.filter(coupon__campaign__slug=slug, verb=Verb.CANCEL)
    return {
        "redeemed": lives.filter(state=CouponState.REDEEMED).count(),
        "revoked": lives.filter(state=CouponState.REVOKED).count(),
        "cancellations": cancelled.count(),
    }


def starts_at(opens_ms: int) -> float:
    """The time by this machine's clock (seconds) at which Redis' clock will be at `opens_ms`."""
    return (opens_ms + _skew_ms()) / 1000


def _skew_ms() -> int:
    """How far this machine's clock is ahead of Redis'."""
    before_ns = time.time_ns()
    redis_ms = store().server.now_ms()
    ours_ms = (before_ns + time.time_ns()) // 2_000_000
    return ours_ms - redis_ms
