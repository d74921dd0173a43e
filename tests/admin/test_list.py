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
    assert (shown["admitted"], shown["waiting"], shown["remaining"]) == ("2", "2", "1,498")
    assert (shown["stored"], shown["parked"]) == ("0", "0")


def test_a_direct_campaign_has_admitted_what_it_has_stored(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    strategies.admit(open_campaign("small", strategy="direct", stock=3), Claim("ann"))
    shown = cells_of_row(operator_client, "small")
    assert (shown["admitted"], shown["stored"], shown["remaining"]) == ("1", "1", "2")


def test_the_counts_of_a_whole_page_cost_one_round_trip(
    operator_client: Client, open_campaign: CampaignMaker, round_trips: list[str]
) -> None:
    for number in range(12):
        open_campaign(f"sale-{number}")
    round_trips.clear()
    assert operator_client.get(LIST).status_code == 200
    assert round_trips == ["pipeline"]


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
    assert (
        cells_of_row(operator_client, "sale")["window"]
        == "2026-12-01 12:00:00.007 – 12:10:00.000 KST"
    )


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
    states = dict(re.findall(r">([a-z]+)</a></th>.*?field-current_state[^>]*>([^<]*)<", shown))
    assert states == {
        "begun": "open", "held": "held back", "stopped": "paused", "planned": "scheduled",
    }  # fmt: skip
