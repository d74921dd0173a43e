"""Before an opening: the warm-up, and the guard that holds an opening back if the board is red."""

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
def schedule_sale(draft: Callable[..., Campaign]) -> Opens:
    """Call it with seconds: schedules a campaign that opens then."""

    def schedule_in(in_s: float, **fields: Any) -> Campaign:
        store().wakeups.mark_canary()  # a worker is there
        store().wakeups.mark_sweep()
        opens = timezone.now() + timedelta(seconds=in_s)
        draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1), **fields)
        return lifecycle.schedule_campaign("sale", actor="Mina")

    return schedule_in


def make_board_red() -> None:
    """Make the board red: Redis and MySQL disagree about the queue's length."""
    store().client.hset(GATE, "longest", 1)


def make_board_green() -> None:
    lifecycle.change_stock("sale", stock=10, actor="Mina")  # copies everything to Redis again


def campaign_state() -> str:
    return Campaign.objects.get(slug="sale").state


def event_texts(kind: EventKind) -> list[str]:
    history = Campaign.objects.get(slug="sale").events.filter(kind=kind)
    return [labels.event_details(event) for event in history]


def claim_outcome() -> Outcome:
    return strategies.admit(lookup.find_snapshot("sale"), Claim("ann")).outcome


@pytest.mark.stores
def test_a_red_board_holds_the_opening_back_and_redis_refuses_from_then_on(
    schedule_sale: Opens,
) -> None:
    schedule_sale(30)
    make_board_red()
    assert guard.guard_openings() == 1
    assert campaign_state() == State.PAUSED
    assert event_texts(EventKind.HELD) == ["red: both stores"]
    assert claim_outcome() is Outcome.PAUSED


def test_a_sale_that_is_held_back_stays_shut_when_its_time_comes(schedule_sale: Opens) -> None:
    schedule_sale(3)
    make_board_red()
    guard.guard_openings()
    campaign = Campaign.objects.get(slug="sale")
    while store().server.now_ms() < snapshot.snapshot_of(campaign).opens_ms + 100:
        pass
    assert claim_outcome() is Outcome.PAUSED


def test_without_the_guard_it_would_have_opened(schedule_sale: Opens, settings: Any) -> None:
    """The negative control."""
    settings.HOLD_BACK_S = 0
    campaign = schedule_sale(0.5)
    make_board_red()
    guard.guard_openings()
    assert campaign_state() == State.SCHEDULED
    while store().server.now_ms() < snapshot.snapshot_of(campaign).opens_ms:
        pass
    assert claim_outcome() is Outcome.ADMITTED


def test_minutes_before_the_opening_a_red_board_does_not_hold_it_back(schedule_sale: Opens) -> None:
    schedule_sale(300)
    make_board_red()
    guard.guard_openings()
    assert campaign_state() == State.SCHEDULED


def test_what_is_mended_in_time_is_released_by_itself(schedule_sale: Opens) -> None:
    schedule_sale(30)
    make_board_red()
    guard.guard_openings()
    make_board_green()
    assert campaign_state() == State.PAUSED
    guard.guard_openings()
    assert campaign_state() == State.SCHEDULED
    assert event_texts(EventKind.RELEASED) == ["nothing is red any more"]
    assert claim_outcome() is Outcome.NOT_OPEN


def test_repeated_checks_hold_an_opening_once(schedule_sale: Opens) -> None:
    schedule_sale(30)
    make_board_red()
    for _ in range(3):
        guard.guard_openings()
    assert len(event_texts(EventKind.HELD)) == 1


def test_an_override_with_its_reason_wins_before_and_after(schedule_sale: Opens) -> None:
    schedule_sale(30)
    make_board_red()
    guard.guard_openings()
    opening_hold.override_hold("sale", actor="mina", reason="the queue is short on purpose")
    assert campaign_state() == State.SCHEDULED
    make_board_red()  # the override has copied everything to Redis
    guard.guard_openings()
    assert campaign_state() == State.SCHEDULED
    assert event_texts(EventKind.OVERRIDDEN) == ["the queue is short on purpose"]


def test_once_its_time_has_come_only_a_person_opens_it(schedule_sale: Opens) -> None:
    campaign = schedule_sale(30)
    make_board_red()
    guard.guard_openings()
    make_board_green()
    Campaign.objects.update(opens_at=timezone.now() - timedelta(seconds=1))
    assert guard.guard_openings() == 0
    with pytest.raises(IllegalTransition):
        opening_hold.release_opening("sale")
    with pytest.raises(IllegalTransition, match="override that with a reason"):
        lifecycle.resume_campaign("sale", actor="mina")
    opening_hold.override_hold("sale", actor="mina", reason="mended")
    assert campaign_state() == State.OPEN
    assert campaign.slug == "sale"


def test_what_an_operator_paused_is_left_alone(schedule_sale: Opens) -> None:
    schedule_sale(30)
    lifecycle.pause_campaign("sale", actor="mina")
    guard.guard_openings()
    assert campaign_state() == State.PAUSED
    lifecycle.resume_campaign("sale", actor="mina")  # no reason asked for
    assert campaign_state() == State.SCHEDULED


def test_the_guard_ignores_openings_of_tomorrow_and_yesterday(schedule_sale: Opens) -> None:
    schedule_sale(3600)
    assert guard.guard_openings() == 0


def test_one_campaign_s_trouble_is_not_the_next_one_s(
    schedule_sale: Opens, draft: Callable[..., Campaign]
) -> None:
    """Redis lost the first campaign: it is closed for repair and can't be paused."""
    opens = timezone.now() + timedelta(seconds=20)
    draft("first", opens_at=opens)
    lifecycle.schedule_campaign("first", actor="Mina")
    store().client.delete(keys.campaign_keys("first").gate)
    schedule_sale(30)
    make_board_red()
    assert guard.guard_openings() == 2
    assert campaign_state() == State.PAUSED
    assert Campaign.objects.get(slug="first").state == State.SCHEDULED


def test_the_warm_up_runs_once_and_leaves_its_mark(
    schedule_sale: Opens, settings: Any, live_server: Any
) -> None:
    settings.WARM_UP_URLS = [live_server.url, "http://127.0.0.1:1"]
    schedule_sale(500)
    store().client.script_flush()
    for _ in range(2):
        guard.guard_openings()
    (note,) = event_texts(EventKind.WARMED_UP)
    assert "the database answered" in note
    assert f"{live_server.url} answered 64 of 64" in note
    assert "http://127.0.0.1:1 answered 0 of 64" in note
    assert all(store().client.script_exists(*(script.sha for script in Script.all)))


def test_a_new_opening_is_warmed_up_again(schedule_sale: Opens) -> None:
    campaign = schedule_sale(500)
    guard.guard_openings()
    campaign.events.update(at=timezone.now() - timedelta(days=1))  # it was yesterday's
    guard.guard_openings()
    assert len(event_texts(EventKind.WARMED_UP)) == 2
