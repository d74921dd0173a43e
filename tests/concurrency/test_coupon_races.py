"""Two and more requests about one coupon at the same moment, from real processes: exactly one wins.

Every race is run on the product; with the lock or the version removed, each of which the other
makes up for; and with both removed, where it must be seen to break.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import (
    ActorKind,
    Coupon,
    CouponEvent,
    CouponLife,
    CouponState,
    Merchant,
    Returned,
    Verb,
)
from coupons.redemption import lifecycle
from tests.concurrency import redeemer
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

Answers = list[dict[str, Any]]
Call = tuple[str, list[Any]] | tuple[str, list[Any], dict[str, Any]]
Round = Callable[[Coupon], list[Call]]  # prepares a coupon, and returns what is called at once
PROCESSES, ROUNDS = 8, 12
CLOCK = Actor(ActorKind.CLOCK, "test")
REPAIRED = ["without-lock", "without-version"]


@dataclass(slots=True)
class Crowd:
    program: "subprocess.Popen[str]"

    def run_round(self, calls: list[Call], road: str = "product") -> Answers:
        asked = {"road": road, "calls": [[*call, {}][:3] for call in calls]}
        assert self.program.stdin and self.program.stdout
        self.program.stdin.write(json.dumps(asked) + "\n")
        self.program.stdin.flush()
        answers: Answers = json.loads(self.program.stdout.readline())
        return answers


@pytest.fixture(scope="module")
def crowd(shared_environment: dict[str, str]) -> Iterator[Crowd]:
    command = [sys.executable, "-m", "tests.concurrency.redeemer", str(PROCESSES)]
    with subprocess.Popen(
        command, env=shared_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        yield Crowd(program)
        assert program.stdin
        program.stdin.close()


@pytest.fixture
def coupons(open_campaign: CampaignMaker) -> list[Coupon]:
    """The stored coupons of a merchant's campaign."""
    sale = open_sale(open_campaign)
    for number in range(ROUNDS):
        strategies.admit(sale, Claim(f"user-{number}"))
    assert drain("sale", consumer="test").stored == ROUNDS
    return list(Coupon.objects.order_by("pk"))


def open_sale(open_campaign: CampaignMaker) -> CampaignSnapshot:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time, and no row locks.")
    merchant = Merchant.objects.create(pk=redeemer.MERCHANT, slug="books", name="Books")
    return open_campaign("sale", stock=100, merchant=merchant, expiry_returns=True)


# What is prepared, and what is called at once


def redeem_for_two_orders(coupon: Coupon) -> list[Call]:
    return [("redeem", [coupon.code, "order-a"]), ("redeem", [coupon.code, "order-b"])]


def reserve_for_two_orders(coupon: Coupon) -> list[Call]:
    return [("reserve", [coupon.code, "order-a"]), ("reserve", [coupon.code, "order-b"])]


def redeem_and_reserve_as_a_hold_lapses(coupon: Coupon) -> list[Call]:
    soon = 0.005 + coupon.place % 4 * 0.01  # a busy machine begins late
    hold_lapses_in(coupon, "order-a", seconds=soon)
    return [
        ("redeem", [coupon.code, "order-a"]),
        ("reserve", [coupon.code, "order-b"], after(soon)),
    ]


def redeem_and_revoke(coupon: Coupon) -> list[Call]:
    return [("redeem", [coupon.code, "order-a"]), ("revoke", [coupon.code, True])]


def redeem_and_expire(coupon: Coupon) -> list[Call]:
    soon = 0.005 + coupon.place % 4 * 0.01
    ends_in(coupon, seconds=soon)
    return [("redeem", [coupon.code, "order-a"]), ("expire", [coupon.pk], after(soon))]


def cancel_twice(coupon: Coupon) -> list[Call]:
    redemption = redeemed_for(coupon, "order-a")
    return [("cancel", [redemption]), ("cancel", [redemption, "shop"])]


def cancel_and_redeem_for_both(coupon: Coupon) -> list[Call]:
    redemption = redeemed_for(coupon, "order-a")
    return [
        ("cancel", [redemption]),
        ("redeem", [coupon.code, "order-b"], after(coupon.place % 4 * 0.03)),
        ("redeem", [coupon.code, "order-a"], after(coupon.place % 4 * 0.03)),
    ]


def release_and_redeem(coupon: Coupon) -> list[Call]:
    hold = held_for(coupon, "order-a")
    return [("release", [hold]), ("redeem", [coupon.code, "order-a"])]


def revoke_twice_with_return(coupon: Coupon) -> list[Call]:
    return [("revoke", [coupon.code, True]), ("revoke", [coupon.code, True])]


def expire_and_extend(coupon: Coupon) -> list[Call]:
    ends_in(coupon, seconds=0)
    later = (timezone.now() + timedelta(days=1)).isoformat()
    return [("expire", [coupon.pk]), ("extend", [coupon.pk, later])]


def undo_twice(coupon: Coupon) -> list[Call]:
    lifecycle.revoke_coupon(code=coupon.code, actor=CLOCK, reason="abuse", returns=True)
    return [("undo", [coupon.pk]), ("undo", [coupon.pk])]


# Race → the outcomes that it may have, as sorted texts
RACES: dict[Round, set[tuple[str, ...]]] = {
    redeem_for_two_orders: {("coupon_redeemed", "ok")},
    reserve_for_two_orders: {("coupon_held", "ok")},
    redeem_and_reserve_as_a_hold_lapses: {("coupon_held", "ok"), ("coupon_redeemed", "ok")},
    redeem_and_revoke: {("coupon_redeemed", "ok"), ("coupon_revoked", "ok")},
    redeem_and_expire: {("ok", "ok"), ("coupon_expired", "ok")},
    cancel_twice: {("ok", "ok")},
    # All three: A repeats its first redemption, cancels it, and B redeems.
    cancel_and_redeem_for_both: {("coupon_redeemed", "ok", "ok"), ("ok", "ok", "ok")},
    release_and_redeem: {("ok", "ok")},
    revoke_twice_with_return: {("ok", "ok")},
    expire_and_extend: {("ok", "ok")},
    undo_twice: {("ok", "ok")},
}
EACH = pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)


@EACH
def test_exactly_one_wins(crowd: Crowd, coupons: list[Coupon], race: Round) -> None:
    for coupon in coupons:
        answers = crowd.run_round(race(coupon))
        assert outcomes_of(answers) in RACES[race], answers
        assert history_faults(coupon, answers) == []
    assert stock_faults() == []


@pytest.mark.slow
@pytest.mark.parametrize("road", REPAIRED)
@EACH
def test_with_one_protection_less_the_other_still_keeps_the_history_right(
    crowd: Crowd, coupons: list[Coupon], race: Round, road: str
) -> None:
    for coupon in coupons:
        answers = crowd.run_round(race(coupon), road)
        assert history_faults(coupon, answers) == []
    assert stock_faults() == []


@EACH
def test_negative_control_without_lock_and_version_both_win(
    crowd: Crowd, coupons: list[Coupon], race: Round
) -> None:
    """If no round broke, the tests above would prove nothing."""
    for coupon in coupons:
        answers = crowd.run_round(race(coupon), "without-both")
        is_possible = outcomes_of(answers) in RACES[race]
        if not is_possible or history_faults(coupon, answers) or stock_faults():
            return
    pytest.fail("the broken transaction never broke: this harness can't see the race")


def test_one_order_from_eight_processes_has_one_redemption(
    crowd: Crowd, coupons: list[Coupon]
) -> None:
    for coupon in coupons:
        answers = crowd.run_round([("redeem", [coupon.code, "order-a"])] * PROCESSES)
        assert Counter(answer["outcome"] for answer in answers) == {"ok": PROCESSES}
        assert len({answer["reference"] for answer in answers}) == 1
        assert sum(answer["is_new"] for answer in answers) == 1
        assert history_faults(coupon, answers) == []


def test_an_own_hold_is_redeemed_whatever_the_sweep_and_others_do(
    crowd: Crowd, coupons: list[Coupon]
) -> None:
    """The coupon's end passes while the order holds it."""
    for coupon in coupons:
        held_for(coupon, "order-a")
        ends_in(coupon, seconds=0)
        answers = crowd.run_round(
            [
                ("expire", [coupon.pk]),
                ("redeem", [coupon.code, "order-b"]),
                ("reserve", [coupon.code, "order-c"]),
                ("revoke", [coupon.code]),
                ("redeem", [coupon.code, "order-a"]),
            ]
        )
        assert answers[-1]["outcome"] == "ok"
        assert CouponLife.objects.get(pk=coupon.pk).order_ref == "order-a"
        assert history_faults(coupon, answers) == []


def after(seconds: float) -> dict[str, Any]:
    return {"after_s": seconds}


def outcomes_of(answers: Answers) -> tuple[str, ...]:
    return tuple(sorted(answer["outcome"] for answer in answers))


def history_faults(coupon: Coupon, answers: Answers) -> list[str]:
    """What can't be true of a coupon whose steps were made one after the other."""
    events = list(CouponEvent.objects.filter(coupon=coupon).order_by("version"))
    life = CouponLife.objects.filter(pk=coupon.pk).first()
    faults = [f"lock {answer}" for answer in answers if answer["outcome"] == "OperationalError"]
    for earlier, later in pairwise(events):
        until = earlier.data.get("until")
        lapsed = later.before == CouponState.ISSUED and until is not None
        if not (later.before == earlier.after or lapsed or later.before == CouponState.EXPIRED):
            faults.append(f"{later.verb} from {later.before} after {earlier.after}")
        if later.verb == Verb.EXPIRE and earlier.data.get("end", "") > later.at.isoformat():
            faults.append(f"expired before {earlier.data}")
    counted = Counter(event.verb for event in events)
    uses = counted[Verb.REDEEM] - counted[Verb.CANCEL]
    if uses != int(life is not None and life.state == CouponState.REDEEMED):
        faults.append(f"{uses} uses count, and the coupon is {life and life.state}")
    new = Counter(answer["call"] for answer in answers if answer.get("is_new"))
    made = {"redeem": Verb.REDEEM, "cancel": Verb.CANCEL, "expire": Verb.EXPIRE}
    told = {name: new[name] for name, verb in made.items() if new[name] > counted[verb]}
    if told:
        faults.append(f"told as done, and not recorded: {told}")
    if life is not None and life.version != len(events):
        faults.append(f"version {life.version} after {len(events)} steps")
    return faults


def stock_faults() -> list[str]:
    back = CouponLife.objects.filter(is_returned=True).count()
    counted = Returned.objects.filter(returned__gt=0).values_list("returned", flat=True).first()
    return [] if back == (counted or 0) else [f"{counted} units counted, {back} coupons returned"]


def held_for(coupon: Coupon, order: str) -> str:
    return str(redeemer.reserve(coupon.code, order).life.hold_id)


def redeemed_for(coupon: Coupon, order: str) -> str:
    return str(redeemer.redeem(coupon.code, order).life.redemption)


def hold_lapses_in(coupon: Coupon, order: str, *, seconds: float) -> None:
    held_for(coupon, order)
    until = timezone.now() + timedelta(seconds=seconds)
    CouponLife.objects.filter(pk=coupon.pk).update(hold_until=until)


def ends_in(coupon: Coupon, *, seconds: float) -> None:
    end = timezone.now() + timedelta(seconds=seconds)
    Coupon.objects.filter(pk=coupon.pk).update(expires_at=end)


def outcomes_while_stored(sale: CampaignSnapshot, crowd: Crowd, road: str) -> set[str]:
    """Of shops that ask for coupons again and again while a worker stores them."""
    seen: set[str] = set()
    for number in range(ROUNDS):
        user = f"user-{number}"
        place = strategies.admit(sale, Claim(user)).place
        code = sale.code_of(user=user, nth=1, place=place)
        asking: list[Call] = [("redeem_until_stored", [code, "order-a"])] * 4
        answers = crowd.run_round([*asking, ("store_waiting", ["sale"])], road)
        seen |= {answer["outcome"] for answer in answers}
        if seen != {"ok"}:
            break
    return seen


def test_a_coupon_that_is_not_stored_yet_is_never_told_to_be_unknown(
    open_campaign: CampaignMaker, crowd: Crowd
) -> None:
    assert outcomes_while_stored(open_sale(open_campaign), crowd, "product") == {"ok"}


def test_negative_control_one_look_calls_a_coupon_unknown(
    open_campaign: CampaignMaker, crowd: Crowd
) -> None:
    """It is stored between the look into the table and the look at what waits."""
    seen = outcomes_while_stored(open_sale(open_campaign), crowd, "looking-once")
    assert "unknown_coupon" in seen, seen
