"""A process that dies between any two lines of a coupon's step leaves the whole step or nothing of
it, and its Idempotency-Key is not stuck."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from coupons.admission import strategies
from coupons.claims.values import Claim
from coupons.models import (
    Coupon,
    CouponEvent,
    CouponLife,
    IdempotentCall,
    Merchant,
    OutboxMessage,
    Returned,
)
from tests.concurrency import redeemer
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

GONE = 137
Dying = Callable[..., int]
POINTS = [
    f"{when}:{name}"
    for name in ("key", "lock", "life", "event", "message", "answer", "commit")
    for when in ("before", "after")
]


@pytest.fixture(scope="module")
def program(shared_environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.dying_step"],
        env=shared_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as started:  # fmt: skip
        yield started
        assert started.stdin
        started.stdin.close()


@pytest.fixture
def run_step(program: "subprocess.Popen[str]", transactional_db: None) -> Dying:
    """Make a step in a process that dies at this point; returns its exit status."""

    def run(point: str, name: str, *arguments: Any, road: str = "product") -> int:
        assert program.stdin and program.stdout
        program.stdin.write(json.dumps([road, point, "key-1", name, arguments]) + "\n")
        program.stdin.flush()
        return int(program.stdout.readline())

    return run


@pytest.fixture
def coupon(open_campaign: CampaignMaker) -> Coupon:
    merchant = Merchant.objects.create(pk=redeemer.MERCHANT, slug="books", name="Books")
    sale = open_campaign("sale", strategy="direct", merchant=merchant, expiry_returns=True)
    strategies.admit(sale, Claim("ann"))
    return Coupon.objects.get()


def redeem(coupon: Coupon) -> tuple[str, list[Any]]:
    return "redeem", [coupon.code, "order-a"]


def cancel(coupon: Coupon) -> tuple[str, list[Any]]:
    return "cancel", [str(redeemer.redeem(coupon.code, "order-a").life.redemption)]


def revoke(coupon: Coupon) -> tuple[str, list[Any]]:
    return "revoke", [coupon.code, True]


def expire(coupon: Coupon) -> tuple[str, list[Any]]:
    Coupon.objects.update(expires_at=F("admitted_at") - timedelta(seconds=1))
    return "expire", [coupon.pk]


DEATHS = [
    *((redeem, point) for point in POINTS),
    *(
        (step, point)
        for step in (cancel, revoke, expire)
        for point in ("after:life", "before:commit", "after:commit")
    ),
]


def written() -> dict[str, Any]:
    life = CouponLife.objects.first()
    return {
        "version": life.version if life else 0,
        "events": CouponEvent.objects.count(),
        "messages": OutboxMessage.objects.count(),
        "keys": IdempotentCall.objects.filter(status=201).count(),
        "units back": sum(Returned.objects.values_list("returned", flat=True)),
        "returned": CouponLife.objects.filter(is_returned=True).count(),
    }


def one_step_more(before: dict[str, Any], after: dict[str, Any]) -> bool:
    steps = {name: after[name] - before[name] for name in ("version", "events", "messages", "keys")}
    return set(steps.values()) == {1} and after["units back"] == after["returned"]


@pytest.mark.parametrize(("step", "point"), DEATHS)
def test_a_step_that_dies_is_done_wholly_or_not_at_all_and_can_be_repeated(
    run_step: Dying, coupon: Coupon, step: Callable[[Coupon], tuple[str, list[Any]]], point: str
) -> None:
    name, arguments = step(coupon)
    before = written()
    assert run_step(point, name, *arguments) == GONE
    died_with = written()
    if point == "after:commit":
        assert one_step_more(before, died_with)
    else:
        assert died_with == before
    assert run_step("nowhere", name, *arguments) == 0  # with the same key: not stuck
    assert one_step_more(before, written())


def test_a_step_that_dies_while_stock_comes_back_counts_it_once(
    run_step: Dying, coupon: Coupon
) -> None:
    for when in ("before", "after"):
        assert run_step(f"{when}:return", "revoke", coupon.code, True) == GONE
        assert not Returned.objects.filter(returned__gt=0).exists()
    assert run_step("nowhere", "revoke", coupon.code, True) == 0
    assert Returned.objects.get().returned == 1


def test_negative_control_with_several_transactions_a_half_step_remains(
    run_step: Dying, coupon: Coupon
) -> None:
    assert run_step("after:life", *_flat(redeem(coupon)), road="commits-early") == GONE
    assert (CouponLife.objects.count(), CouponEvent.objects.count()) == (1, 0)
    assert IdempotentCall.objects.filter(status=0).exists()  # "in progress", for ever


def _flat(call: tuple[str, list[Any]]) -> list[Any]:
    return [call[0], *call[1]]
