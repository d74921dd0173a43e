"""GET …/claims/me: none → queued → issued, and "none" only if it is certain."""

from typing import Any

import pytest

from coupons.campaigns import lookup
from coupons.issuing import drain
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

ME = "campaigns/sale/claims/me"


def claim_status(person: Person, nth: int = 1) -> Any:
    response = person.asks(f"{ME}?nth={nth}")
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.stores
def test_a_claim_goes_from_none_to_queued_to_issued(open_campaign: CampaignMaker) -> None:
    open_campaign()
    jun = Person("jun")
    assert claim_status(jun) == {"status": "none"}
    told = jun.claims().json()
    assert claim_status(jun) == {"status": "queued", **told}
    drain.drain("sale", consumer="test")
    issued = claim_status(jun)
    assert issued.pop("stored_at") >= told["admitted_at"]
    assert (issued.pop("state"), issued.pop("usable_until")) == ("issued", told["expires_at"])
    assert issued == {"status": "issued", **told}


@pytest.mark.stores
def test_a_direct_claim_is_issued_at_once(open_campaign: CampaignMaker) -> None:
    open_campaign(strategy="direct")
    jun = Person("jun")
    assert claim_status(jun) == {"status": "none"}
    told = jun.claims().json()
    issued = claim_status(jun)
    assert issued.pop("stored_at") >= told["admitted_at"]
    assert (issued.pop("state"), issued.pop("usable_until")) == ("issued", told["expires_at"])
    assert issued == {"status": "issued", **told}


def test_each_nth_stands_for_itself(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, per_user=2)
    jun = Person("jun")
    jun.claims(body={"nth": 2})
    assert claim_status(jun, nth=1) == {"status": "none"}
    assert (claim_status(jun, nth=2)["nth"], claim_status(jun, nth=2)["place"]) == (2, 1)


def test_no_user_sees_the_claim_of_another(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy)
    Person("jun").claims()
    for stranger in ("sora", "Jun", "jun ", "1:jun"):
        assert claim_status(Person(stranger)) == {"status": "none"}


def test_a_user_without_a_place_gets_none_without_a_query(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    open_campaign()
    lookup.clear_snapshots()
    with django_assert_num_queries(0):
        assert claim_status(Person("jun")) == {"status": "none"}


def test_a_coupon_that_is_stored_is_shown_while_redis_is_away(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign()
    jun = Person("jun")
    told = jun.claims().json()
    drain.drain("sale", consumer="test")
    redis_away()
    for known in (True, False):  # by a process that knew the campaign, and by a new one
        assert claim_status(jun).items() >= {"status": "issued", **told}.items(), known
        lookup.clear_snapshots()


def test_while_redis_is_away_no_user_is_answered_none(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign()
    Person("jun").claims()  # not stored yet
    redis_away()
    for name in ("jun", "sora"):
        response = Person(name).asks(ME)
        assert problem_of(response, 503, "store_away")["dependency"] == "redis"
        assert int(response.headers["Retry-After"]) > 0


def lose_the_gate() -> None:
    store().client.delete(keys.campaign_keys("sale").gate)
    lookup.clear_snapshots()


def test_without_its_gate_a_campaign_is_closed_for_repair(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    Person("jun").claims()
    lose_the_gate()
    sora = Person("sora")
    for response in (sora.claims(), sora.asks(ME), sora.asks("campaigns/sale")):
        said = problem_of(response, 503, "closed_for_repair")
        assert said["dependency"] == "redis"
        assert int(response.headers["Retry-After"]) > 0
    assert store().client.exists(keys.campaign_keys("sale").gate) == 0


def test_a_coupon_that_is_stored_is_shown_while_the_campaign_is_repaired(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    jun = Person("jun")
    told = jun.claims().json()
    drain.drain("sale", consumer="test")
    lose_the_gate()
    assert claim_status(jun).items() >= {"status": "issued", **told}.items()


def test_an_empty_redis_never_gives_the_stock_away_again(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    Person("jun").claims()
    drain.drain("sale", consumer="test")
    store().client.flushall()
    for name in ("jun", "sora", "hana"):
        problem_of(Person(name).claims(), 503, "closed_for_repair")


def test_while_mysql_is_away_queued_claims_get_503_and_unknown_ones_none(
    open_campaign: CampaignMaker, mysql_away: Any
) -> None:
    open_campaign()
    jun = Person("jun")
    jun.claims()
    mysql_away()
    response = jun.asks(ME)  # queued or issued? only MySQL knows
    assert problem_of(response, 503, "database_away")["dependency"] == "database"
    assert int(response.headers["Retry-After"]) > 0
    assert claim_status(Person("sora")) == {"status": "none"}
