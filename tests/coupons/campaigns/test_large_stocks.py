"""Slots of a large stock are created and removed in batches: with little memory, while users claim;
after a kill in the middle, repeating the change completes it (issue 12, 7)."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.campaigns.slots import BATCH
from coupons.claims.limits import slot_id
from coupons.claims.values import Claim, Outcome, Reason
from coupons.errors import Refused, StockBelowAdmitted
from coupons.issuing import dead_letters
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon, Slot
from coupons.store import keys, store
from coupons.store.campaigns import CampaignCalls
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.large_stock import (
    KILLED,
    LARGE,
    assert_whole,
    claim_places,
    interrupt_change,
    slot_places,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]


def a_redis_that_missed_the_change(stock: int, given: int) -> None:
    """As a promoted replica that missed the change: it admits above the stock."""
    store().client.hset(keys.campaign_keys("sale").gate, mapping={"stock": stock, "next": given})


def test_the_memory_of_a_lowered_stock_does_not_grow_with_it(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=LARGE)
    tracemalloc.start()
    lifecycle.change_stock("sale", stock=10, actor="Mina")
    lifecycle.change_stock("sale", stock=LARGE, actor="Mina")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000  # bytes; each slot as an object took 600
    assert_whole(LARGE)


@pytest.mark.parametrize(("before", "after"), [(LARGE, 100), (100, LARGE)])
def test_people_claim_and_operators_change_things_meanwhile(
    open_campaign: CampaignMaker, start_stock_changer: Callable[..., Any], before: int, after: int
) -> None:
    sale = open_campaign(stock=before)
    rounds, stored = 0, 0
    with start_stock_changer(after) as child:
        child.stdout.readline()  # it is at work
        while child.poll() is None:
            rounds += 1
            claim_places(sale, f"user-{rounds}") if rounds < 90 else None
            stored += drain("sale", consumer="t").stored
            lifecycle.pause_campaign("sale", actor="Mina")
            lifecycle.resume_campaign("sale", actor="Mina")
    assert child.returncode == 0
    assert rounds >= 2  # of six batches each waits for three at most: it stores, pauses, resumes
    assert stored == min(rounds, 89)
    assert_whole(after)


def test_the_row_is_not_locked_for_longer_than_a_batch(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of rows of most statements does not depend on the stock."""
    open_campaign(stock=10)
    touched: list[int] = []

    def record_slot_rows(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if Slot._meta.db_table in sql and not sql.startswith("SELECT"):
            touched.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(record_slot_rows):
        lifecycle.change_stock("sale", stock=LARGE, actor="Mina")
        lifecycle.change_stock("sale", stock=10, actor="Mina")
    assert sum(touched) == 2 * (LARGE - 10)
    assert max(touched) <= BATCH


@pytest.mark.parametrize("batches", [2, 5])
def test_a_process_killed_while_it_lowers_is_finished_by_doing_it_again(
    open_campaign: CampaignMaker, run_stock_changer: Callable[..., int], batches: int
) -> None:
    open_campaign(stock=LARGE)
    assert run_stock_changer(100, dies_after=batches) == KILLED
    assert slot_places() == list(range(1, len(slot_places()) + 1))  # no hole
    assert run_stock_changer(100) == 0
    assert_whole(100)


@pytest.mark.parametrize("batches", [1, 6])
def test_a_process_killed_while_it_raises_is_finished_by_doing_it_again(
    open_campaign: CampaignMaker, run_stock_changer: Callable[..., int], batches: int
) -> None:
    open_campaign(stock=100)
    assert run_stock_changer(LARGE, dies_after=batches) == KILLED
    assert (store().campaigns.gate("sale").stock, Campaign.objects.get().stock) == (100, 100)
    assert run_stock_changer(LARGE) == 0
    assert_whole(LARGE)


def test_a_process_killed_at_any_moment_is_finished_by_doing_it_again(
    open_campaign: CampaignMaker, start_stock_changer: Callable[..., Any]
) -> None:
    """Killed also in the middle of a statement."""
    open_campaign(stock=100)
    for number, stock in enumerate((LARGE, 100, LARGE, 100)):
        child = start_stock_changer(stock)
        child.stdout.readline()
        time.sleep(0.03 * number)
        child.kill()
        child.communicate()
    lifecycle.change_stock("sale", stock=LARGE, actor="Mina")
    assert_whole(LARGE)


@pytest.mark.parametrize(
    ("interrupted_at", "then"),
    [(100, LARGE), (100, 10_000), (100, 50),
     (LARGE * 2, 50), (LARGE * 2, LARGE), (LARGE * 2, 40_000)],
)  # fmt: skip
def test_another_stock_than_the_one_that_was_interrupted(
    open_campaign: CampaignMaker,
    run_stock_changer: Callable[..., int],
    interrupted_at: int,
    then: int,
) -> None:
    """Raised after it was lowered, lowered after it was raised, a little more, a little less."""
    open_campaign(stock=LARGE)
    assert run_stock_changer(interrupted_at, dies_after=4) == KILLED
    lifecycle.change_stock("sale", stock=then, actor="Mina")
    assert_whole(then)


def test_nothing_is_stored_above_a_lowered_stock_while_its_slots_are_still_there(
    open_campaign: CampaignMaker,
) -> None:
    sale = open_campaign(stock=LARGE)
    interrupt_change(lifecycle.change_stock, "sale", stock=100, after=2)
    assert len(slot_places()) > 20_000
    for given in (99, 20_000):
        a_redis_that_missed_the_change(LARGE, given)
        claim_places(sale, f"ann-{given}", f"bob-{given}")
    drain("sale", consumer="t")
    assert list(Coupon.objects.values_list("place", flat=True)) == [100]
    assert dead_letters.count_by_reason("sale") == {Reason.BEYOND_STOCK: 3}


def test_a_lowered_stock_never_keeps_out_what_was_given_before(
    open_campaign: CampaignMaker,
) -> None:
    """Claims that wait in the queue while the stock is lowered to exactly them are stored."""
    sale = open_campaign(stock=LARGE)
    claim_places(sale, *"abc")
    with pytest.raises(StockBelowAdmitted):
        lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert_whole(LARGE)
    interrupt_change(lifecycle.change_stock, "sale", stock=3, after=2)
    assert drain("sale", consumer="t").stored == 3
    assert strategies.admit(sale, Claim("d")).outcome is Outcome.SOLD_OUT


def test_what_redis_gave_away_of_a_raise_that_was_not_committed_is_stored(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a change to a lower stock is tried instead, and refused."""
    sale = open_campaign(stock=2)
    with monkeypatch.context() as dying:
        install = CampaignCalls.install_gate

        def and_gone(self: Any, *args: Any, **kwargs: Any) -> None:
            install(self, *args, **kwargs)
            raise SystemExit

        dying.setattr(CampaignCalls, "install_gate", and_gone)
        with pytest.raises(SystemExit):
            lifecycle.change_stock("sale", stock=20, actor="Mina")
    assert Campaign.objects.get().stock == 2
    claim_places(sale, *(f"user-{n}" for n in range(15)))
    with pytest.raises(StockBelowAdmitted):
        lifecycle.change_stock("sale", stock=10, actor="Mina")
    assert drain("sale", consumer="t").stored == 15
    lifecycle.change_stock("sale", stock=20, actor="Mina")
    assert_whole(20)


def test_two_changes_of_the_stock_at_once_leave_no_hole(
    open_campaign: CampaignMaker, start_stock_changer: Callable[..., Any]
) -> None:
    open_campaign(stock=LARGE)
    for first, second in ((100, LARGE * 2), (LARGE * 2, 100)):
        children = [start_stock_changer(first), start_stock_changer(second)]
        for child in children:
            child.communicate(timeout=300)
        assert any(child.returncode == 0 for child in children)
        assert slot_places() == list(range(1, len(slot_places()) + 1))
        assert len(slot_places()) >= Campaign.objects.get().stock
    lifecycle.change_stock("sale", stock=LARGE, actor="Mina")
    assert_whole(LARGE)


def test_a_raise_that_another_change_overtakes_is_refused_and_not_half_done(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign(stock=10)
    lowered: list[bool] = []

    def lower_meanwhile(now: int, wanted: int) -> None:
        if now == wanted and not lowered:
            lowered.append(True)
            lifecycle.change_stock("sale", stock=5, actor="Jun")

    with pytest.raises(Refused, match="another change of its stock"):
        lifecycle.change_stock("sale", stock=LARGE, actor="Mina", tell=lower_meanwhile)
    assert_whole(5)


def test_slots_that_were_deleted_by_hand_are_created_again_with_the_stock(
    open_campaign: CampaignMaker,
) -> None:
    sale = open_campaign(stock=LARGE)
    for place in (1, 7_777, LARGE):
        Slot.objects.filter(id=slot_id(sale.id, place)).delete()
    lifecycle.change_stock("sale", stock=LARGE, actor="Mina")
    assert_whole(LARGE)


def test_a_stock_that_no_campaign_may_have_makes_no_slots(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=10)
    for wrong in (0, -1, 10**7 + 1, 2**31, 2**63):
        with pytest.raises((ValidationError, StockBelowAdmitted)):
            lifecycle.change_stock("sale", stock=wrong, actor="Mina")
        assert_whole(10)


def test_progress_ends_at_the_wanted_number(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign(stock=100)
    up: list[tuple[int, int]] = []
    down: list[tuple[int, int]] = []
    lifecycle.change_stock("sale", stock=LARGE, actor="Mina",
                           tell=lambda *told: up.append(told))  # fmt: skip
    lifecycle.change_stock("sale", stock=100, actor="Mina",
                           tell=lambda *told: down.append(told))  # fmt: skip
    assert up == [(min(100 + BATCH * n, LARGE), LARGE) for n in range(1, 7)]
    assert down[0] == (LARGE, LARGE)  # nothing had to be made
    assert down[1:] == [(max(LARGE - BATCH * n, 100), 100) for n in range(1, 7)]
