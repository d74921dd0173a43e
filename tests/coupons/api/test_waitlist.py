"""The waitlist over HTTP."""

from typing import Any

import pytest

from coupons.audit.actors import Actor
from coupons.grants import returns
from coupons.issuing.drain import drain
from coupons.models import ActorKind, Campaign, Coupon
from coupons.redemption import lifecycle
from tests.conftest import CampaignMaker
from tests.coupons.answers import problem_of

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v1/campaigns/sale/waitlist"
FIELDS = {"stock": 1, "returns_to": "waitlist", "waitlist_limit": 5}


@pytest.fixture
def sold_out(open_campaign: CampaignMaker, person: Any, strategy: str) -> None:
    open_campaign(strategy=strategy, **FIELDS)
    person("ann").claims()


def return_anns_coupon(strategy: str) -> None:
    if strategy == Campaign.Strategy.QUEUED:
        drain("sale", consumer="one")
    lifecycle.revoke_coupon(
        pk=Coupon.objects.get(user="ann").pk,
        actor=Actor(ActorKind.OPERATOR, "Mina"),
        reason="stolen",
        returns=True,
    )
    returns.give_on_everywhere()


def test_join_look_and_be_served(sold_out: None, person: Any, strategy: str) -> None:
    bob, jun = person("bob").client, person("jun").client
    first, again = bob.post(PATH), bob.post(PATH)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["number"], first.json()["position"]) == (1, 1)
    assert jun.post(PATH).json()["position"] == 2
    return_anns_coupon(strategy)
    served = bob.get(PATH).json()
    assert (served["state"], served["position"], served["place"]) == ("served", 0, 2)
    assert jun.get(PATH).json()["position"] == 1
    assert bob.get("/api/v1/campaigns/sale/claims/me").json()["place"] == 2


def test_leave(sold_out: None, person: Any) -> None:
    bob = person("bob").client
    bob.post(PATH)
    left = bob.delete(PATH)
    assert (left.status_code, left.json()["state"], left.json()["position"]) == (200, "left", 0)
    assert bob.post(PATH).json()["number"] == 2


def test_an_offer_is_accepted(open_campaign: CampaignMaker, person: Any, strategy: str) -> None:
    open_campaign(strategy=strategy, offer_hours=24, **FIELDS)
    person("ann").claims()
    bob = person("bob").client
    bob.post(PATH)
    problem_of(bob.post(f"{PATH}/accept"), 409, "no_offer")
    return_anns_coupon(strategy)
    assert bob.get(PATH).json()["offer_until"]
    assert [bob.post(f"{PATH}/accept").json()["place"] for _ in range(2)] == [2, 2]


def test_refusals(sold_out: None, open_campaign: CampaignMaker, person: Any) -> None:
    bob = person("bob").client
    problem_of(bob.get(PATH), 404, "not_waiting")
    problem_of(bob.delete(PATH), 404, "not_waiting")
    problem_of(person("ann").client.post(PATH), 409, "already_claimed")
    problem_of(bob.post("/api/v1/campaigns/unknown/waitlist"), 404, "unknown_campaign")
    open_campaign("plain")
    problem_of(bob.post("/api/v1/campaigns/plain/waitlist"), 409, "no_waitlist")
    open_campaign("gold", audience="gold", **FIELDS)
    problem_of(bob.post("/api/v1/campaigns/gold/waitlist"), 403, "not_eligible")
    golden = person("mina", segments=("gold",)).client
    problem_of(golden.post("/api/v1/campaigns/gold/waitlist"), 409, "not_sold_out")
