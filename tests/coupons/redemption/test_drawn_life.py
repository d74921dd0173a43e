"""The decisions about a coupon's life against a book of promises, for verbs, orders and moments
that Hypothesis draws; each rule has a negative control.

100,000 steps; a million: DRAWN_LIVES=10000, see tests/README.md.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coupons.models import CouponState
from coupons.redemption import steps
from coupons.redemption.states import Life
from tests.coupons.redemption.drawn_life import STEP_BYTES, BrokenPromise, World

LIVES = int(os.environ.get("DRAWN_LIVES", "1000"))
STEPS_OF_EACH = 100


def draw_lives(lives: int, *, shrinks: bool = True) -> Counter[str]:
    """Play so many drawn lives, and count what was played. Raises BrokenPromise."""
    phases = (Phase.generate, Phase.shrink) if shrinks else (Phase.generate,)
    played: Counter[str] = Counter()

    @settings(
        max_examples=lives, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), print_blob=False, phases=phases,
    )  # fmt: skip
    @given(
        st.binary(min_size=STEPS_OF_EACH * STEP_BYTES, max_size=STEPS_OF_EACH * STEP_BYTES),
        st.booleans(),
        st.sampled_from([0, 3, 90]),
    )
    def play(tape: bytes, expiry_returns: bool, revives_days: int) -> None:
        world = World(expiry_returns=expiry_returns, revives_days=revives_days)
        world.play(tape)
        played.update(world.played)

    play()
    return played


def test_every_promise_is_kept_in_every_drawn_life() -> None:
    played = draw_lives(LIVES)
    print(dict(played))
    assert sum(played.values()) > 0.9 * LIVES * STEPS_OF_EACH
    for verb in (
        "reserve", "renew", "release", "redeem", "cancel", "revoke", "give_back", "undo", "expire",
        "extend", "give_on", "redeem again", "redeem refused", "redeem past the end",
        "extend refused: given on", "undo refused: given on",
    ):  # fmt: skip
        assert played[verb] > LIVES / 25, f"{verb}: the lives prove little about it"


Decide = Callable[..., Any]


def own_hold_ends_with_the_coupon(life: Life, order: Any, now: datetime, **more: Any) -> Any:
    if now >= life.end and life.state == CouponState.HELD:
        raise steps._conflict(replace(life, hold_until=None), now)
    return steps.decide_redemption(life, order, now, **more)


def own_hold_is_counted_against_itself(life: Life, order: Any, now: datetime, **more: Any) -> Any:
    if life.state_at(now) is CouponState.HELD:
        raise steps._conflict(life, now)
    return steps.decide_redemption(life, order, now, **more)


def another_hold_is_not_seen(life: Life, order: Any, now: datetime, **more: Any) -> Any:
    return steps.decide_redemption(replace(life, hold_until=None), order, now, **more)


def whichever_redemption_is_named(life: Life, redemption: Any, now: datetime, **more: Any) -> Any:
    return steps.decide_cancellation(life, life.redemption or redemption, now, **more)


def a_lapsed_hold_is_renewed_whoever_has_it(
    life: Life, hold: Any, now: datetime, **more: Any
) -> Any:
    return steps.decide_renewal(replace(life, hold_id=hold), hold, now, **more)


def revoked_whatever_it_reads_as(life: Life, now: datetime, **more: Any) -> Any:
    return steps.decide_revocation(life, now, **more | {"force": True})


def given_back_at_every_expiry(life: Life, now: datetime, **more: Any) -> Any:
    return steps.decide_expiry(replace(life, is_returned=False), now, **more)


def extended_without_its_unit(life: Life, end: datetime, now: datetime, **more: Any) -> Any:
    step = steps.decide_extension(life, end, now, **more)
    return step and replace(step, returns=0)


def cancelled_after_the_end_is_lost(life: Life, redemption: Any, now: datetime, **more: Any) -> Any:
    return steps.decide_cancellation(life, redemption, now, **more | {"revives_days": 0})


BROKEN: list[tuple[str, Decide, str]] = [
    ("decide_redemption", own_hold_ends_with_the_coupon, "in time, and refused"),
    ("decide_redemption", own_hold_is_counted_against_itself, "in time, and refused"),
    ("decide_redemption", another_hold_is_not_seen, "redeemed a coupon of"),
    ("decide_cancellation", whichever_redemption_is_named, "given back twice"),
    ("decide_renewal", a_lapsed_hold_is_renewed_whoever_has_it, "."),  # it breaks several promises
    ("decide_revocation", revoked_whatever_it_reads_as, "without force"),
    ("decide_extension", extended_without_its_unit, "units are back"),
    ("decide_cancellation", cancelled_after_the_end_is_lost, "the coupon is lost"),
]


@pytest.mark.parametrize(
    ("name", "broken", "found"), BROKEN, ids=[broken.__name__ for _, broken, _ in BROKEN]
)
def test_negative_control_a_broken_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, broken: Decide, found: str
) -> None:
    original = getattr(steps, name)

    def decide(*arguments: Any, **more: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(steps, name, original)
            return broken(*arguments, **more)

    monkeypatch.setattr(steps, name, decide)
    with pytest.raises(BrokenPromise, match=found):
        draw_lives(300, shrinks=False)
