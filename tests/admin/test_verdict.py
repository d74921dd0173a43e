"""Issue 12, 23: the board's sentence is true in every state of a campaign, before its opening,
after it and after its closing; every time is in one named time zone."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from coupons.campaigns import lifecycle, opening_hold
from coupons.models import Campaign
from coupons.readiness import board
from coupons.readiness.verdict import opening_verdict
from coupons.store import store

State = Campaign.State
Draft = Callable[..., Campaign]
AHEAD, OPEN, OVER = ("ahead", "open", "over")
MINUTE = timedelta(minutes=1)
FUTURE = (
    "will be held back", "would be held back", "is ready to open", "it is released", "it opens at",
)  # fmt: skip


@pytest.fixture(autouse=True)
def healthy_worker() -> None:
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()


@pytest.fixture
def make_sale(draft: Draft, settings: Any) -> Callable[[str, str, bool], Campaign]:
    """Call it with state, time relative to the window, and whether a check is red."""

    def make_campaign_in_state(state: str, when: str, red: bool) -> Campaign:
        now = timezone.now()
        opens, closes = now + 5 * MINUTE, now + 60 * MINUTE
        draft("sale", opens_at=opens, closes_at=closes)
        if state != State.DRAFT:
            lifecycle.schedule_campaign("sale", actor="Mina")
        if state == "held":
            opening_hold.hold_opening("sale", checks=["replicas"])
        elif state == State.PAUSED:
            lifecycle.pause_campaign("sale", actor="Mina")
        if when != AHEAD:  # the window passes; no job records it
            shift = {OPEN: 10, OVER: 90}[when] * MINUTE
            Campaign.objects.update(opens_at=opens - shift, closes_at=closes - shift)
        if state == State.CLOSED:
            Campaign.objects.update(state=State.CLOSED)
        settings.REDIS_WAIT_REPLICAS = 2 if red else 0
        return Campaign.objects.get()

    return make_campaign_in_state


CASES = {
    (State.DRAFT, AHEAD, True): "is a draft, not ready: scheduled, it would be held back before",
    (State.DRAFT, AHEAD, False): "is a draft. Scheduled, it would open at",
    (State.DRAFT, OPEN, True): "is a draft. Once scheduled it would open at once",
    (State.SCHEDULED, AHEAD, True): "is not ready: it will be held back before it opens at",
    (State.SCHEDULED, AHEAD, False): "is ready to open at",
    (State.SCHEDULED, OPEN, True): "is open since",
    (State.SCHEDULED, OVER, True): "is over since",
    (State.PAUSED, AHEAD, True): "is paused and not ready: resumed, it would be held back before",
    (State.PAUSED, AHEAD, False): "is paused: resumed, it opens at",
    (State.PAUSED, OPEN, True): "is paused; its opening was at",
    (State.PAUSED, OVER, True): "is over since",
    ("held", AHEAD, True): "is held back. Before",
    ("held", OPEN, True): "is held back since before",
    ("held", OVER, True): "is over since",
    (State.CLOSED, OVER, True): "is over since",
    (State.CLOSED, AHEAD, True): "is over since",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("state", "when", "red"), CASES, ids=lambda case: str(case))
def test_the_sentence_is_true_in_every_state(
    make_sale: Callable[..., Campaign], state: str, when: str, red: bool
) -> None:
    make_sale(state, when, red)
    sentence = opening_verdict(board.readiness_board("sale"))
    assert sentence.startswith(f"sale {CASES[state, when, red]}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("state", "when"),
    [(State.SCHEDULED, OPEN), (State.SCHEDULED, OVER), (State.PAUSED, OPEN), ("held", OPEN)],
)
def test_the_verdict_promises_nothing_about_a_past_opening(
    make_sale: Callable[..., Campaign], operator_client: Client, state: str, when: str
) -> None:
    """In the command, the page and the JSON."""
    campaign = make_sale(state, when, True)
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("readiness", "sale", stdout=output, no_color=True)
    page = operator_client.get(reverse("admin:coupons_campaign_readiness", args=[campaign.pk]))
    for text in (output.getvalue(), page.content.decode()):
        assert not [future for future in FUTURE if future in text]
        assert "will be held back" not in text
        assert "opens 2" not in text
    assert board.readiness_board("sale").as_json()["blocks"] is False


@pytest.mark.django_db(transaction=True)
def test_without_holding_back_the_verdict_says_that_it_opens_anyway(
    make_sale: Callable[..., Campaign], settings: Any
) -> None:
    settings.HOLD_BACK_S = 0
    make_sale(State.SCHEDULED, AHEAD, True)
    assert "opens at" in opening_verdict(board.readiness_board("sale"))
    assert "HOLD_BACK_S is 0" in opening_verdict(board.readiness_board("sale"))


@pytest.mark.django_db(transaction=True)
def test_what_opens_at_once_is_not_said_to_be_held_back(
    operator_client: Client, draft: Draft, settings: Any
) -> None:
    campaign = draft("sale")  # opened a second ago
    settings.REDIS_WAIT_REPLICAS = 2
    address = reverse("admin:coupons_campaign_do", args=[campaign.pk, "schedule"])
    page = operator_client.post(address, follow=True).content.decode()
    assert "It opens although something is red (replicas)" in page
    assert "would be held back" not in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York", "UTC"])
def test_command_and_page_show_all_times_in_one_named_zone(
    make_sale: Callable[..., Campaign], operator_client: Client, settings: Any, zone: str
) -> None:
    settings.TIME_ZONE = zone
    with timezone.override(zone):
        campaign = make_sale(State.SCHEDULED, AHEAD, False)
        opens = date_format(timezone.localtime(campaign.opens_at), "Y-m-d H:i:s")
        name = f"{timezone.localtime(campaign.opens_at):%Z}"
        output = StringIO()
        call_command("readiness", "sale", stdout=output, no_color=True)
        page = operator_client.get(reverse("admin:coupons_campaign_readiness", args=[campaign.pk]))
    for text in (output.getvalue().splitlines()[-1], page.content.decode()):
        assert re.search(rf"{opens}\.\d{{3}} {name}\b", text)
    due = re.findall(r"(?:Due|Ran) at (\S+ \S+)", output.getvalue())
    assert all(re.fullmatch(rf"\d\d:\d\d:\d\d {name}[.:]", one) for one in due)
    moments = output.getvalue().replace("The database tells us the time in UTC.", "")
    assert zone == "UTC" or "UTC" not in moments
