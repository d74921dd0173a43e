"""The page of the dress rehearsal: it begins one, shows its progress and verdict, and stops it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.models import Campaign, EventKind, Rehearsal
from coupons.readiness import board
from coupons.readiness.rehearsed import rehearsed_line
from coupons.rehearsal import work

Page = Callable[..., str]
pytestmark = pytest.mark.django_db


@pytest.fixture
def later(draft: Callable[..., Campaign]) -> Campaign:
    opens_at = timezone.now() + timedelta(hours=2)
    return draft("later", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))


def test_a_button_begins_a_rehearsal_and_the_page_shows_it(
    operator_client: Client, later: Campaign, campaign_url: Page
) -> None:
    url = campaign_url("later", "rehearsal")
    assert "Never rehearsed." in operator_client.get(url).content.decode()
    form = {"people": "50", "per_second": "10"}
    page = operator_client.post(url, form, follow=True).content.decode()
    assert "The rehearsal begins within seconds." in page
    assert '<progress max="50" value="0"' in page
    part = page.partition('<div data-part="rehearsal-messages">')[2].partition("</div>")[0]
    assert "The rehearsal begins within seconds." in part, "the next fetch replaces it"
    fetched = operator_client.get(url).content.decode()
    part = fetched.partition('<div data-part="rehearsal-messages">')[2].partition("</div>")[0]
    assert part.strip() == ""
    assert later.events.first().kind == EventKind.REHEARSAL_BEGAN  # type: ignore[union-attr]
    operator_client.post(url, {"stop": "yes"})
    assert not work.work_on_rehearsal()
    assert "stopped, without a verdict" in operator_client.get(url).content.decode()
    assert Rehearsal.objects.get().state == "done"


@pytest.mark.parametrize(
    ("opens_in", "says"), [(timedelta(minutes=5), "opens at"), (-timedelta(minutes=5), "opened at")]
)
def test_a_refusal_beside_an_opening_names_the_box_of_the_page(
    operator_client: Client, draft: Callable[..., Campaign], campaign_url: Page,
    opens_in: timedelta, says: str,
) -> None:  # fmt: skip
    opens_at = timezone.now() + opens_in
    draft("later", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
    Campaign.objects.update(state=Campaign.State.OPEN if says == "opened at" else "scheduled")
    form = {"people": "50", "per_second": "10"}
    url = campaign_url("later", "rehearsal")
    page = operator_client.post(url, form, follow=True)
    (refusal,) = (str(one) for one in page.context["messages"])
    assert says in refusal and "tick the box" in refusal and "--beside" not in refusal
    with pytest.raises(CommandError, match=f"{says} .* all the same: --beside"):
        call_command("dress_rehearsal", "later")


def test_while_it_runs_the_board_says_so(
    operator_client: Client, later: Campaign, campaign_url: Page
) -> None:
    form = {"people": "50", "per_second": "10"}
    operator_client.post(campaign_url("later", "rehearsal"), form)
    assert rehearsed_line(later).seen == "It is being rehearsed."
    Rehearsal.objects.create(
        campaign=later, shadow="rehearsal-" + "1" * 20, state="done", running=None, people=10,
        per_second=10, actor="mina", started_at=timezone.now(), leased_until=timezone.now(),
        finished_at=timezone.now(), light="red",
    )  # fmt: skip
    assert rehearsed_line(later).light == "red"  # it goes on holding the opening back


def test_the_to_do_on_the_board_page_is_its_button_until_it_has_opened(
    operator_client: Client, later: Campaign, campaign_url: Page
) -> None:
    lifecycle.schedule_campaign("later", actor="mina")
    url = campaign_url("later", "readiness")
    page = operator_client.get(url).content.decode()
    assert "Press “Dress rehearsal” below, and hold one." in page
    assert "dress_rehearsal" not in page
    now = timezone.now()
    Rehearsal.objects.create(
        campaign=later, shadow="rehearsal-" + "1" * 20, state="done", running=None, people=10,
        per_second=10, actor="mina", started_at=now, leased_until=now, finished_at=now,
        light="green", figures={"per_second": 9.0}, site="a:b:c:d",
    )  # fmt: skip
    assert rehearsed_line(later).light == "amber", "the site is another one"
    for state, opens_in in (("open", -1), ("paused", -1), ("closed", -1), ("closed", 1)):
        opens_at = now + timedelta(hours=opens_in)
        Campaign.objects.update(state=state, opens_at=opens_at, closes_at=now + timedelta(hours=2))
        (line,) = (
            one for one in board.readiness_board("later", quickly=True).lines
            if one.name == "rehearsed"
        )  # fmt: skip
        assert (line.light, line.do, line.on_page) == ("grey", "", ""), state
        assert line.seen == "Rehearsed 0 min ago at 9 a second: green."


@pytest.mark.parametrize("people", ["", "0", "x", "200001", "１０", "9" * 400])
def test_wrong_numbers_begin_none(
    operator_client: Client, later: Campaign, campaign_url: Page, people: str
) -> None:
    form = {"people": people, "per_second": "10"}
    page = operator_client.post(campaign_url("later", "rehearsal"), form, follow=True)
    assert "Give whole numbers" in page.content.decode()
    assert not Rehearsal.objects.exists()


@pytest.mark.parametrize(("people", "why"), [
    ("50", "tick the box"),
    ("200001", "1 to 200,000 people, 1 to 20,000 of them a second."),
])  # fmt: skip
def test_a_refused_form_keeps_its_numbers_and_not_its_box(
    operator_client: Client, draft: Callable[..., Campaign], campaign_url: Page,
    people: str, why: str,
) -> None:  # fmt: skip
    opens_at = timezone.now() + timedelta(minutes=5)
    draft("later", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
    Campaign.objects.update(state=Campaign.State.SCHEDULED)
    form = {"people": people, "per_second": "10"}
    if people != "50":
        form["beside"] = "yes"
    page = operator_client.post(campaign_url("later", "rehearsal"), form, follow=True)
    text = page.content.decode()
    assert why in text
    assert re.search(f'name="people"[^>]* value="{people}"', text)
    assert re.search('name="per_second"[^>]* value="10"', text)
    assert "checked" not in text
    address = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    again = operator_client.get(address).content.decode()
    assert f'value="{people}"' in again, "the page replaces its parts by what this address shows"


@pytest.mark.parametrize(("stock", "people", "per_second"), [
    (1, 100, 200), (50, 150, 200), (60_000, 180_000, 300), (100_000, 200_000, 334),
])  # fmt: skip
def test_the_crowd_suits_the_campaign(
    operator_client: Client, later: Campaign, campaign_url: Page,
    stock: int, people: int, per_second: int,
) -> None:  # fmt: skip
    Campaign.objects.update(stock=stock)
    text = operator_client.get(campaign_url("later", "rehearsal")).content.decode()
    assert re.search(f'name="people"[^>]* value="{people}"', text)
    assert re.search(f'name="per_second"[^>]* value="{per_second}"', text)


def test_the_verdict_is_shown_in_the_operators_language(
    operator_client: Client, later: Campaign, campaign_url: Page
) -> None:
    now = timezone.now()
    Rehearsal.objects.create(
        campaign=later, shadow="rehearsal-" + "1" * 20, state="done", running=None, people=10,
        per_second=10, actor="mina", started_at=now, leased_until=now, finished_at=now,
        light="red", figures={"per_second": 9.0}, site="",
        lines=[{"name": "tokens", "light": "red", "seen": {"en": "Why.", "ko": "이유."},
                "do": {"en": "Do.", "ko": "할 일."}}],
    )  # fmt: skip
    url = campaign_url("later", "rehearsal")
    assert "Why." in operator_client.get(url).content.decode()
    korean = operator_client.get(url, headers={"Accept-Language": "ko"}).content.decode()
    assert "이유." in korean


def test_who_may_only_look_begins_none(
    read_only_client: Client, later: Campaign, campaign_url: Page
) -> None:
    url = campaign_url("later", "rehearsal")
    assert read_only_client.get(url).status_code == 200
    assert read_only_client.post(url, {"people": "1", "per_second": "1"}).status_code == 403
    assert not Rehearsal.objects.exists()
