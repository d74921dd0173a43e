"""Scheduling a large draft is finished by scheduling again; it is deleted with all its slots
(issue 12, 7).
"""

from collections.abc import Callable
from typing import Any

import pytest

from coupons.campaigns import lifecycle, lookup
from coupons.campaigns.slots import BATCH
from coupons.errors import IllegalTransition
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon, Slot
from coupons.store.campaigns import CampaignCalls
from tests.coupons.campaigns.large_stock import (
    KILLED,
    LARGE,
    Draft,
    assert_whole,
    claim_places,
    interrupt_change,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_scheduling_a_large_stock_that_was_killed_is_finished_by_scheduling_again(
    draft: Draft, run_stock_changer: Callable[..., int]
) -> None:
    draft(stock=LARGE)
    assert run_stock_changer("schedule", dies_after=5) == KILLED
    assert Campaign.objects.get().state == Campaign.State.DRAFT
    assert run_stock_changer("schedule") == 0
    assert_whole(LARGE)


def test_a_draft_whose_stock_was_lowered_after_that_has_no_slot_too_many(draft: Draft) -> None:
    campaign = draft(stock=LARGE)
    interrupt_change(lifecycle.schedule_campaign, "sale", after=5)
    campaign.stock = 50
    lifecycle.save_draft(campaign, actor="Mina")
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert_whole(50)


def test_a_draft_is_deleted_with_all_slots_that_an_interrupted_scheduling_left(
    draft: Draft,
) -> None:
    campaign = draft(stock=LARGE)
    interrupt_change(lifecycle.schedule_campaign, "sale", after=5)
    told: list[tuple[int, int]] = []
    lifecycle.remove_slots(campaign, tell=lambda *each: told.append(each))
    assert not Slot.objects.exists()
    interrupt_change(lifecycle.schedule_campaign, "sale", after=5)
    lifecycle.delete_draft(campaign)
    assert not Campaign.objects.exists()
    assert not Slot.objects.exists()
    assert told == [(BATCH * n, 0) for n in (4, 3, 2, 1, 0)]


def test_a_draft_with_coupons_is_not_deleted(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies after Redis has the campaign and claims came in, before its commit."""
    campaign = draft(stock=3)
    install = CampaignCalls.install_gate

    def and_gone(self: Any, *args: Any, **kwargs: Any) -> None:
        install(self, *args, **kwargs)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(CampaignCalls, "install_gate", and_gone)
        with pytest.raises(SystemExit):
            lifecycle.schedule_campaign("sale", actor="Mina")
    claim_places(lookup.find_snapshot("sale"), "ann")
    drain("sale", consumer="t")
    with pytest.raises(IllegalTransition, match="coupons of it are stored"):
        lifecycle.delete_draft(campaign)
    assert Coupon.objects.count() == 1
