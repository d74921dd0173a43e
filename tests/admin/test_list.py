"""The list of campaigns."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle, opening_hold
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.models import Campaign
from coupons.store import store

LIST = "/admin/coupons/campaign/"
CampaignMaker = Callable[..., CampaignSnapshot]


def cells_of_row(client: Client, slug: str, **query: str) -> dict[str, str]:
    """The cells of a campaign's row, by column."""
    page = client.get(LIST, query).context["cl"]
    row = next(each for each in page.result_list if each.slug == slug)
    names = ("admitted", "stored", "waiting", "parked", "remaining", "window")
    return {name: str(getattr(page.model_admin, name)(row)) for name in names}


def test_it_shows_what_redis_has_admitted_and_what_waits(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale", stock=1500)
    for user in ("ann", "bob"):
        strategies.admit(sale, Claim(user))
    shown = cells_of_row(operator_client, "sale")
    assert (shown["admitted"], shown["waiting"]) == ("2", "2")
    assert shown["remaining"] == '<b>1,498</b> <span class="of">/ 1,500</span>'
    assert (shown["stored"], shown["parked"]) == ("0", "0")


def test_a_direct_campaign_has_admitted_what_it_has_stored(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    strategies.admit(open_campaign("small", strategy="direct", stock=3), Claim("ann"))
    shown = cells_of_row(operator_client, "small")
    assert (shown["admitted"], shown["stored"]) == ("1", "1")
    assert shown["remaining"].startswith("<b>2</b>")


def test_more_campaigns_cost_no_more_round_trips(
    operator_client: Client, open_campaign: CampaignMaker, round_trips: list[str]
) -> None:
    """The page's counts, those of all public campaigns, and whose claims wait."""
    strategies.admit(open_campaign("first"), Claim("ann"))
    round_trips.clear()
    assert operator_client.get(LIST).status_code == 200
    few = list(round_trips)
    for number in range(12):
        strategies.admit(open_campaign(f"sale-{number}"), Claim("ann"))
    round_trips.clear()
    assert operator_client.get(LIST).status_code == 200
    assert len(round_trips) <= len(few) + 2  # the thread of the counters may have sent its own


def test_more_campaigns_cost_no_more_queries(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator_client.get(LIST)
        return len(captured)

    open_campaign("first")
    count_queries()  # the first one also renews the session
    few = count_queries()
    for number in range(5):
        open_campaign(f"sale-{number}")
    assert count_queries() == few


def test_without_redis_it_says_so_and_shows_the_rest(
    operator_client: Client, open_campaign: CampaignMaker, redis_away: Callable[[], None]
) -> None:
    open_campaign("sale")
    redis_away()
    answer = operator_client.get(LIST)
    assert answer.status_code == 200
    assert "Redis does not answer: live counts are not known." in answer.content.decode()
    assert cells_of_row(operator_client, "sale")["admitted"] == "?"


def test_a_campaign_that_redis_lost_is_told_from_one_without_claims(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("lost")
    store().client.flushall()
    open_campaign("sale")
    answer = operator_client.get(LIST)
    assert "Redis has lost these campaigns: lost." in answer.content.decode()
    assert cells_of_row(operator_client, "lost")["admitted"] == "?"
    assert cells_of_row(operator_client, "sale")["admitted"] == "0"


def test_the_window_is_shown_to_the_millisecond_in_local_time(
    operator_client: Client, draft: Callable[..., Any], settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Seoul"
    draft("sale", opens_at="2026-12-01T03:00:00.007Z", closes_at="2026-12-01T03:10:00Z")
    assert cells_of_row(operator_client, "sale")["window"] == "2026-12-01 12:00:00.007 – 12:10 KST"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "autumn"}, {"autumn"}),
        ({"q": "The winter"}, {"winter"}),
        ({"state": "draft"}, {"winter"}),
    ],
)
def test_it_finds_by_slug_name_and_state(
    operator_client: Client, draft: Callable[..., Any], open_campaign: CampaignMaker,
    query: dict[str, str], expected: set[str],
) -> None:  # fmt: skip
    open_campaign("autumn")
    draft("winter")
    page = operator_client.get(LIST, query).context["cl"]
    assert {campaign.slug for campaign in page.result_list} == expected


def test_a_name_with_markup_is_shown_as_text(
    operator_client: Client, draft: Callable[..., Any]
) -> None:
    draft("sale", name="<script>alert(1)</script>")
    shown = operator_client.get(LIST).content.decode()
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_parked_claims_are_counted_with_a_link(
    operator_client: Client, open_campaign: CampaignMaker, campaign_url: Callable[..., str]
) -> None:
    sale = open_campaign("sale")
    strategies.admit(sale, Claim("ann"))
    entry = store().queue.read_new("sale", consumer="test", count=1).entries[0]
    store().queue.park_entry("sale", entry.id, "place_taken")
    assert (
        cells_of_row(operator_client, "sale")["parked"]
        == f'<a href="{campaign_url("sale", "parked")}">1</a>'
    )


def test_strangers_are_sent_to_the_login() -> None:
    answer = Client().get(LIST)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))


def test_a_state_is_called_as_on_the_page_of_its_campaign(
    operator_client: Client, open_campaign: CampaignMaker, draft: Callable[..., Campaign]
) -> None:
    """Also before beat has recorded an opening, and where an opening is held back."""
    open_campaign("begun")
    ahead = {"opens_at": timezone.now() + timedelta(hours=1)}
    ahead["closes_at"] = ahead["opens_at"] + timedelta(hours=1)
    for slug in ("held", "stopped", "planned"):
        draft(slug, **ahead)
        lifecycle.schedule_campaign(slug, actor="Mina")
    opening_hold.hold_opening("held", checks=["replicas"])
    lifecycle.pause_campaign("stopped", actor="Mina")
    shown = operator_client.get(LIST).content.decode()
    row = r'class="slug">([a-z]+)</span></a></th>.*?field-current_state[^>]*><strong[^>]*>([^<]*)<'
    states = dict(re.findall(row, shown))
    assert states == {
        "begun": "open", "held": "held back", "stopped": "paused", "planned": "scheduled",
    }  # fmt: skip


def test_a_campaign_of_which_nothing_is_left_is_not_called_open(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale", stock=1)
    strategies.admit(sale, Claim("ann"))
    assert 'class="state sold-out">sold out<' in operator_client.get(LIST).content.decode()
    lifecycle.change_stock("sale", stock=2, actor="mina")
    assert 'class="state state-open">open<' in operator_client.get(LIST).content.decode()


def saved_filters(client: Client, **query: str) -> dict[str, int | None]:
    links = client.get(LIST, query).context["cl"].saved_filters
    return {str(one.label): one.count for one in links}


def shown_slugs(client: Client, **query: str) -> set[str]:
    return {campaign.slug for campaign in client.get(LIST, query).context["cl"].result_list}


def test_opening_today_is_the_day_of_the_pages_time_zone(
    operator_client: Client, draft: Callable[..., Campaign], settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Seoul"
    now = timezone.localtime(timezone.now())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for slug, opens in (
        ("yesterday", midnight - timedelta(milliseconds=1)), ("first", midnight),
        ("last", midnight + timedelta(days=1, milliseconds=-1)),
        ("tomorrow", midnight + timedelta(days=1)),
    ):  # fmt: skip
        draft(slug, opens_at=opens, closes_at=opens + timedelta(days=2))
    assert shown_slugs(operator_client, show="today") == {"first", "last"}
    assert saved_filters(operator_client)["opening today"] == 2


def test_needs_attention_finds_parked_held_and_lost_campaigns_and_no_other(
    operator_client: Client, open_campaign: CampaignMaker, draft: Callable[..., Campaign]
) -> None:
    open_campaign("lost")
    store().client.flushall()
    for slug in ("fine", "parked"):
        strategies.admit(open_campaign(slug), Claim("ann"))
    entry = store().queue.read_new("parked", consumer="test", count=1).entries[0]
    store().queue.park_entry("parked", entry.id, "place_taken")
    opens = timezone.now() + timedelta(hours=2)
    draft("held", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("held", actor="mina")
    opening_hold.hold_opening("held", checks=["replicas"])
    assert shown_slugs(operator_client, show="attention") == {"lost", "parked", "held"}
    assert saved_filters(operator_client)["needs attention"] == 3
    shown = operator_client.get(LIST).content.decode()
    for text in ("lost by Redis", "parked: 1", "held back"):
        assert f">{text}<" in shown


def test_needs_attention_finds_claims_that_wait_too_long(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    """By the time in the queue's own ids."""
    open_campaign("slow")
    open_campaign("fine")
    now_ms = store().server.now_ms()
    rows: Any = {b"u": b"ann", b"p": b"1", b"n": b"1", b"t": b"1"}
    for slug, age_s in (("slow", 45), ("fine", 2)):
        store().client.xadd(f"coupon:{{{slug}}}:queue", rows, id=f"{now_ms - 1000 * age_s}-0")
    assert shown_slugs(operator_client, show="attention") == {"slow"}
    assert "waiting for 45 s" in operator_client.get(LIST).content.decode()


def test_needs_attention_finds_a_near_opening_whose_board_is_red(
    operator_client: Client, draft: Callable[..., Campaign], settings: Any
) -> None:
    store().wakeups.mark_canary()
    store().wakeups.mark_sweep()
    for slug, minutes in (("near", 20), ("far", 120)):
        opens = timezone.now() + timedelta(minutes=minutes)
        draft(slug, opens_at=opens, closes_at=opens + timedelta(hours=1))
        lifecycle.schedule_campaign(slug, actor="mina")
    assert shown_slugs(operator_client, show="attention") == set()
    settings.REDIS_WAIT_REPLICAS = 2
    assert shown_slugs(operator_client, show="attention") == {"near"}
    assert "not ready: replicas" in operator_client.get(LIST).content.decode()


def test_needs_attention_without_redis_is_what_mysql_knows(
    operator_client: Client, draft: Callable[..., Campaign], redis_away: Callable[[], None]
) -> None:
    opens = timezone.now() + timedelta(hours=2)
    for slug in ("held", "fine"):
        draft(slug, opens_at=opens, closes_at=opens + timedelta(hours=1))
        lifecycle.schedule_campaign(slug, actor="mina")
    opening_hold.hold_opening("held", checks=["replicas"])
    redis_away()
    assert shown_slugs(operator_client, show="attention") == {"held"}
