"""GET …/campaigns/{slug}: the public data, in the state that a claim would meet now."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.models import Campaign
from tests.conftest import CampaignMaker, Person


def get_campaign(slug: str = "sale") -> Any:
    """The campaign as a client without a token sees it."""
    response = Client().get(f"/api/v1/campaigns/{slug}")
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.stores
def test_everybody_sees_name_stock_window_terms_and_the_clock_that_decides(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    opens_at = timezone.now().replace(microsecond=7_000) - timedelta(seconds=1)
    open_campaign(
        strategy=strategy,
        name="봄맞이 <b>sale</b>",
        stock=3,
        per_user=2,
        opens_at=opens_at,
        closes_at=opens_at + timedelta(days=1),
        discount="amount",
        discount_value="5000.00",
        minimum_order="20000.00",
        discount_cap=None,
    )
    said = get_campaign()
    server_time = datetime.fromisoformat(said.pop("server_time"))
    assert abs(server_time - timezone.now()) < timedelta(seconds=10)
    assert datetime.fromisoformat(said.pop("opens_at")) == opens_at
    assert datetime.fromisoformat(said.pop("closes_at")) == opens_at + timedelta(days=1)
    assert said == {
        "campaign": "sale",
        "name": "봄맞이 <b>sale</b>",
        "state": "open",
        "stock": 3,
        "remaining": 3,
        "per_user": 2,
        "proof": None,
        "terms": {
            "discount": "amount",
            "value": "5000.00",
            "currency": "KRW",
            "minimum_order": "20000.00",
            "cap": None,
        },
    }


def test_remaining_goes_down_with_every_admission_to_sold_out(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=2)
    seen = [(get_campaign()["remaining"], get_campaign()["state"])]
    for name in ("jun", "jun", "sora", "hana"):
        Person(name).claims()
        seen.append((get_campaign()["remaining"], get_campaign()["state"]))
    assert seen == [(2, "open"), (1, "open"), (1, "open"), (0, "sold_out"), (0, "sold_out")]


def test_its_state_is_what_a_claim_would_find(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, opens_at=timezone.now() + timedelta(minutes=1))
    assert get_campaign()["state"] == "scheduled"
    lifecycle.open_now("sale", actor="Mina")
    assert get_campaign()["state"] == "open"
    lifecycle.pause_campaign("sale", actor="Mina")
    assert get_campaign()["state"] == "paused"
    lifecycle.resume_campaign("sale", actor="Mina")
    assert get_campaign()["state"] == "open"
    lifecycle.close_campaign("sale", actor="Mina")
    assert get_campaign()["state"] == "closed"


def test_it_opens_by_itself(open_campaign: CampaignMaker, strategy: str) -> None:
    sale = open_campaign(strategy=strategy, opens_at=timezone.now() + timedelta(milliseconds=800))
    said = get_campaign()
    while said["state"] == "scheduled":
        assert datetime.fromisoformat(said["server_time"]).timestamp() * 1000 < sale.opens_ms + 1
        said = get_campaign()
    assert said["state"] == "open"
    assert Campaign.objects.get().state == "scheduled"  # no job has updated it


def test_a_change_of_stock_shows_at_once(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, stock=1)
    Person("jun").claims()
    lifecycle.change_stock("sale", stock=5, actor="Mina")
    said = get_campaign()
    assert (said["stock"], said["remaining"], said["state"]) == (5, 4, "open")


def test_the_public_page_looks_at_no_token(open_campaign: CampaignMaker) -> None:
    open_campaign()
    client = Client(headers={"Authorization": "Bearer nonsense"})
    assert client.get("/api/v1/campaigns/sale").status_code == 200


def test_a_campaign_without_claims_asks_no_database(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    open_campaign()
    with django_assert_num_queries(0):
        get_campaign()
