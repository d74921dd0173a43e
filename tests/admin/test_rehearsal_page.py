"""The page of the dress rehearsal: it begins one, shows its progress and verdict, and stops it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from coupons.models import Campaign, EventKind, Rehearsal
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


@pytest.mark.parametrize("people", ["", "0", "x", "200001", "１０", "9" * 400])
def test_wrong_numbers_begin_none(
    operator_client: Client, later: Campaign, campaign_url: Page, people: str
) -> None:
    form = {"people": people, "per_second": "10"}
    page = operator_client.post(campaign_url("later", "rehearsal"), form, follow=True)
    assert "Give whole numbers" in page.content.decode()
    assert not Rehearsal.objects.exists()


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
