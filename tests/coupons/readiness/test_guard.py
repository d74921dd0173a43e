"""Before an opening: the warm-up, and a red board that holds the opening back in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons.admission import strategies
from coupons.audit import labels
from coupons.campaigns import lifecycle, lookup, opening_hold, snapshot
from coupons.claims.values import Claim, Outcome
from coupons.errors import IllegalTransition
from coupons.models import Campaign, EventKind
from coupons.readiness import guard
from coupons.store import keys, store
from coupons.store.client import Script

State = Campaign.State
Opens = Callable[..., Campaign]
GATE = keys.campaign_keys("sale").gate


@pytest.fixture
def sale(draft: Callable[..., Campaign]) -> Opens:
    """A scheduled campaign that opens in so many seconds."""

    def make(in_s: float, **fields: Any) -> Campaign:
        store().mark_canary()  # a worker is there
        store().mark_sweep()
        opens = timezone.now() + timedelta(seconds=in_s)
        draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1), **fields)
        return lifecycle.schedule_campaign("sale", actor="Mina")

    return make


def spoil() -> None:
    """A red board: Redis and MySQL disagree about the queue's length."""
    store().client.hset(GATE, "longest", 1)


def mend() -> None:
    lifecycle.change_stock("sale", stock=10, actor="Mina")  # copies everything to Redis again


def state() -> str:
    return Campaign.objects.get(slug="sale").state


def told(kind: EventKind) -> list[str]:
    history = Campaign.objects.get(slug="sale").events.filter(kind=kind)
    return [labels.event_details(event) for event in history]


def claim() -> Outcome:
    return strategies.admit(lookup.find_snapshot("sale"), Claim("ann")).outcome


@pytest.mark.stores
def test_a_red_board_holds_the_opening_back_and_redis_refuses_from_then_on(sale: Opens) -> None:
    sale(30)
    spoil()
    assert guard.guard_openings() == 1
    assert state() == State.PAUSED
    assert told(EventKind.HELD) == ["red: both stores"]
    assert claim() is Outcome.PAUSED


def test_a_sale_that_is_held_back_stays_shut_when_its_time_comes(sale: Opens) -> None:
    sale(0.8)
    spoil()
    guard.guard_openings()
    campaign = Campaign.objects.get(slug="sale")
    while store().now_ms() < snapshot.snapshot_of(campaign).opens_ms + 100:
        pass
    assert claim() is Outcome.PAUSED


def test_without_the_guard_it_would_have_opened(sale: Opens, settings: Any) -> None:
    """The negative control."""
    settings.HOLD_BACK_S = 0
    campaign = sale(0.5)
    spoil()
    guard.guard_openings()
    assert state() == State.SCHEDULED
    while store().now_ms() < snapshot.snapshot_of(campaign).opens_ms:
        pass
    assert claim() is Outcome.ADMITTED


def test_minutes_before_it_only_speaks_up(sale: Opens) -> None:
    sale(300)
    spoil()
    guard.guard_openings()
    assert state() == State.SCHEDULED


def test_what_is_mended_in_time_is_released_by_itself(sale: Opens) -> None:
    sale(30)
    spoil()
    guard.guard_openings()
    mend()
    assert state() == State.PAUSED
    guard.guard_openings()
    assert state() == State.SCHEDULED
    assert told(EventKind.RELEASED) == ["nothing is red any more"]
    assert claim() is Outcome.NOT_OPEN


def test_it_is_held_once_however_often_it_is_looked_at(sale: Opens) -> None:
    sale(30)
    spoil()
    for _ in range(3):
        guard.guard_openings()
    assert len(told(EventKind.HELD)) == 1


def test_an_override_with_its_reason_wins_before_and_after(sale: Opens) -> None:
    sale(30)
    spoil()
    guard.guard_openings()
    opening_hold.override_hold("sale", actor="mina", reason="the queue is short on purpose")
    assert state() == State.SCHEDULED
    spoil()  # the override has copied everything to Redis
    guard.guard_openings()
    assert state() == State.SCHEDULED
    assert told(EventKind.OVERRIDDEN) == ["the queue is short on purpose"]


def test_once_its_time_has_come_only_a_person_opens_it(sale: Opens) -> None:
    campaign = sale(30)
    spoil()
    guard.guard_openings()
    mend()
    Campaign.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    assert guard.guard_openings() == 0
    with pytest.raises(IllegalTransition):
        opening_hold.release_opening("sale")
    with pytest.raises(IllegalTransition, match="override that with a reason"):
        lifecycle.resume_campaign("sale", actor="mina")
    opening_hold.override_hold("sale", actor="mina", reason="mended")
    assert state() == State.OPEN
    assert campaign.slug == "sale"


def test_what_an_operator_paused_is_left_alone(sale: Opens) -> None:
    sale(30)
    lifecycle.pause_campaign("sale", actor="mina")
    guard.guard_openings()
    assert state() == State.PAUSED
    lifecycle.resume_campaign("sale", actor="mina")  # no reason asked for
    assert state() == State.SCHEDULED


def test_openings_of_tomorrow_and_of_yesterday_are_not_looked_at(sale: Opens) -> None:
    sale(3600)
    assert guard.guard_openings() == 0


def test_one_campaign_s_trouble_is_not_the_next_one_s(
    sale: Opens, draft: Callable[..., Campaign]
) -> None:
    """Redis lost the first: it is closed for repair anyway and can't be paused."""
    opens = timezone.now() + timedelta(seconds=20)
    draft("first", opens_at=opens)
    lifecycle.schedule_campaign("first", actor="Mina")
    store().client.delete(keys.campaign_keys("first").gate)
    sale(30)
    spoil()
    assert guard.guard_openings() == 2
    assert state() == State.PAUSED
    assert Campaign.objects.get(slug="first").state == State.SCHEDULED


def test_the_warm_up_runs_once_and_leaves_its_mark(
    sale: Opens, settings: Any, live_server: Any
) -> None:
    settings.WARM_UP_URLS = [live_server.url, "http://127.0.0.1:1"]
    sale(500)
    store().client.script_flush()
    for _ in range(2):
        guard.guard_openings()
    (note,) = told(EventKind.WARMED_UP)
    assert "the database answered" in note
    assert f"{live_server.url} answered 64 of 64" in note
    assert "http://127.0.0.1:1 answered 0 of 64" in note
    assert all(store().client.script_exists(*(script.sha for script in Script.all)))


def test_a_new_opening_is_warmed_up_again(sale: Opens) -> None:
    campaign = sale(500)
    guard.guard_openings()
    campaign.events.update(at=timezone.now() - timedelta(days=1))  # it was yesterday's
    guard.guard_openings()
    assert len(told(EventKind.WARMED_UP)) == 2
