"""A campaign's lifecycle in both stores, and the transitions that are refused."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from coupons import store
from coupons.admission import direct, strategies
from coupons.audit import labels
from coupons.campaigns import lifecycle, lookup, recorded_states, snapshot
from coupons.claims import timestamps
from coupons.claims.values import Claim, Outcome
from coupons.errors import (
    ForeignKeys,
    IllegalTransition,
    StockBelowAdmitted,
    StoreAway,
    UnknownCampaign,
)
from coupons.issuing.drain import drain
from coupons.models import Campaign, EventKind, Slot
from coupons.store import Store, keys
from coupons.store.campaigns import CampaignCalls
from tests.conftest import CampaignMaker
from tests.harness.store_override import use_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]
State = Campaign.State


def campaign_state(slug: str = "sale") -> str:
    return Campaign.objects.get(slug=slug).state


def test_its_life_is_written_down_with_who_and_what(draft: Callable[..., Campaign]) -> None:
    campaign = draft()
    for change in (
        lifecycle.schedule_campaign, lifecycle.open_now, lifecycle.pause_campaign,
        lifecycle.resume_campaign, lifecycle.close_campaign,
    ):  # fmt: skip
        change("sale", actor="Jun")
    said = [(event.actor, labels.event_text(event)) for event in reversed(campaign.events.all())]
    assert said == [
        ("Mina", "created"), ("Jun", "scheduled"), ("Jun", "opened"), ("Jun", "paused"),
        ("Jun", "resumed"), ("Jun", "closed"),
    ]  # fmt: skip


def test_scheduling_installs_it_ahead_of_time_and_it_opens_without_any_job(
    draft: Callable[..., Campaign],
) -> None:
    opens = timezone.now() + timedelta(seconds=10)
    draft(opens_at=opens)
    campaign = snapshot.snapshot_of(lifecycle.schedule_campaign("sale", actor="Mina"))
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.NOT_OPEN
    while store.store().server.now_ms() < timestamps.milliseconds_of(opens):
        time.sleep(0.01)
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.ADMITTED
    assert campaign_state() == State.SCHEDULED
    recorded_states.follow_the_clock()
    assert campaign_state() == State.OPEN


def test_the_clock_closes_it_once_and_signs_for_it(open_campaign: CampaignMaker) -> None:
    open_campaign()
    Campaign.objects.update(closes_at=timezone.now() - timedelta(milliseconds=1),
                            opens_at=timezone.now() - timedelta(seconds=1))  # fmt: skip
    recorded_states.follow_the_clock()
    recorded_states.follow_the_clock()
    campaign = Campaign.objects.get()
    assert [e.kind for e in campaign.events.filter(actor=lifecycle.CLOCK)] == [EventKind.CLOSED]


@pytest.mark.parametrize(
    ("verb", "then"),
    [
        ("open_now", "open_now"),
        ("schedule_campaign", "schedule_campaign"),
        ("close_campaign", "resume_campaign"),
        ("close_campaign", "pause_campaign"),
        ("pause_campaign", "pause_campaign"),
    ],
)
def test_it_refuses_steps_that_do_not_follow(
    draft: Callable[..., Campaign], verb: str, then: str
) -> None:
    draft(
        opens_at=timezone.now() + timedelta(hours=1), closes_at=timezone.now() + timedelta(days=1)
    )
    if verb != "schedule_campaign":
        lifecycle.schedule_campaign("sale", actor="Mina")
    getattr(lifecycle, verb)("sale", actor="Mina")
    before = campaign_state()
    with pytest.raises(IllegalTransition, match="sale is"):
        getattr(lifecycle, then)("sale", actor="Mina")
    assert campaign_state() == before


def test_it_refuses_to_schedule_what_would_be_over(draft: Callable[..., Campaign]) -> None:
    past = timezone.now() - timedelta(hours=1)
    draft(opens_at=past - timedelta(hours=1), closes_at=past)
    with pytest.raises(IllegalTransition, match="in the past"):
        lifecycle.schedule_campaign("sale", actor="Mina")
    assert campaign_state() == State.DRAFT


def test_it_refuses_a_draft_that_makes_no_sense(draft: Callable[..., Campaign]) -> None:
    for wrong in (
        {"stock": 0}, {"stock": 10**9}, {"per_user": 0}, {"slug": "Ünïcode"}, {"slug": "a" * 65},
        {"valid_days": None}, {"currency": "won"},
        {"closes_at": timezone.now() - timedelta(days=1)},
        {"valid_until": timezone.now()},  # together with valid_days
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            draft(**wrong)


def test_an_unknown_campaign_is_an_error() -> None:
    with pytest.raises(UnknownCampaign):
        lifecycle.pause_campaign("nothing", actor="Mina")


def test_raising_the_stock_lets_the_next_ones_in(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=1)
    assert strategies.admit(campaign, Claim("a")).outcome is Outcome.ADMITTED
    assert strategies.admit(campaign, Claim("b")).outcome is Outcome.SOLD_OUT
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert strategies.admit(campaign, Claim("b")).place == 2
    assert drain("sale", consumer="t").stored == 2


def test_lowering_the_stock_below_what_was_admitted_is_refused_with_a_sentence(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    for user in "abc":
        strategies.admit(campaign, Claim(user))
    with pytest.raises(StockBelowAdmitted, match="has admitted 3 claims already"):
        lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert Campaign.objects.get().stock == 10
    assert Slot.objects.count() == 10
    assert store.store().campaigns.gate("sale").stock == 10
    lifecycle.change_stock("sale", stock=3, actor="Mina")
    assert Slot.objects.count() == 3
    assert strategies.admit(campaign, Claim("d")).outcome is Outcome.SOLD_OUT


def test_a_gate_that_gave_more_than_its_stock_can_still_be_paused_and_closed(
    open_campaign: CampaignMaker,
) -> None:
    """Only a change outside of our code can cause it; then an operator must be able to stop the
    sale."""
    campaign = open_campaign(stock=3)
    store.store().client.hset(keys.campaign_keys("sale").gate, "next", 5)
    with pytest.raises(StockBelowAdmitted):
        lifecycle.change_stock("sale", stock=2, actor="Mina")
    lifecycle.pause_campaign("sale", actor="Mina")
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.PAUSED
    lifecycle.resume_campaign("sale", actor="Mina")
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.SOLD_OUT
    lifecycle.close_campaign("sale", actor="Mina")
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.CLOSED


def test_the_same_holds_for_a_direct_campaign(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=5, strategy="direct")
    for user in "abc":
        direct.admit(campaign, Claim(user))
    with pytest.raises(StockBelowAdmitted):
        lifecycle.change_stock("sale", stock=2, actor="Mina")
    lifecycle.change_stock("sale", stock=3, actor="Mina")
    assert direct.admit(campaign, Claim("d")).outcome is Outcome.SOLD_OUT


def test_an_opening_that_has_happened_can_not_be_moved(open_campaign: CampaignMaker) -> None:
    open_campaign()
    campaign = Campaign.objects.get()
    later = timezone.now() + timedelta(hours=5)
    with pytest.raises(IllegalTransition, match="opened already"):
        lifecycle.reschedule(
            "sale", opens_at=later, closes_at=later + timedelta(hours=1), actor="Mina"
        )
    lifecycle.reschedule("sale", opens_at=campaign.opens_at, closes_at=later, actor="Mina")
    assert store.store().campaigns.gate("sale").closes_ms == timestamps.milliseconds_of(later)


def test_with_redis_away_nothing_changes(
    draft: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft()
    away = Store("redis://127.0.0.1:1/0", timeout_s=0.1, max_connections=1)
    monkeypatch.setattr("coupons.campaigns.update.store", lambda: away)
    with pytest.raises(StoreAway):
        lifecycle.schedule_campaign("sale", actor="Mina")
    assert campaign_state() == State.DRAFT
    monkeypatch.undo()
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert campaign_state() == State.SCHEDULED


def die_after_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis has the change, and MySQL does not commit it: as if the process were killed."""
    install = CampaignCalls.install_gate

    def and_gone(self: CampaignCalls, *args: Any, **kwargs: Any) -> Any:
        install(self, *args, **kwargs)
        raise StoreAway("gone")

    with monkeypatch.context() as dying:
        dying.setattr(CampaignCalls, "install_gate", and_gone)
        with pytest.raises(StoreAway):
            lifecycle.schedule_campaign("sale", actor="Mina")


def test_dying_between_redis_and_the_commit_loses_nothing_and_scheduling_again_mends_it(
    draft: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(stock=3)
    die_after_install(monkeypatch)
    assert campaign_state() == State.DRAFT
    told = [strategies.admit(lookup.find_snapshot("sale"), Claim(user)).place for user in "abc"]
    assert told == [1, 2, 3]
    assert drain("sale", consumer="t").stored == 3
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert strategies.admit(lookup.find_snapshot("sale"), Claim("a")).place == 1


def test_a_draft_edited_after_that_does_not_take_over_what_it_no_longer_matches(
    draft: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = draft(stock=3)
    die_after_install(monkeypatch)
    campaign.per_user = 2
    lifecycle.save_draft(campaign, actor="Mina")
    with pytest.raises(ForeignKeys):
        lifecycle.schedule_campaign("sale", actor="Mina")


def test_keys_of_another_life_are_not_taken_over(
    open_campaign: CampaignMaker, draft: Callable[..., Campaign]
) -> None:
    strategies.admit(open_campaign(), Claim("mina"))
    Campaign.objects.all().delete()
    draft()
    with pytest.raises(ForeignKeys):
        lifecycle.schedule_campaign("sale", actor="Mina")
    assert campaign_state() == State.DRAFT


def test_a_direct_campaign_needs_no_redis(
    draft: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = Store("redis://127.0.0.1:1/0", timeout_s=0.1, max_connections=1)
    use_store(monkeypatch, away)
    draft(strategy="direct")
    lifecycle.schedule_campaign("sale", actor="Mina")
    admitted = strategies.admit(lookup.find_snapshot("sale"), Claim("mina"))
    assert (admitted.outcome, admitted.place) == (Outcome.ADMITTED, 1)
