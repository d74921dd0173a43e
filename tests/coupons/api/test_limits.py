"""Rate limit: a user's excess requests get 429; other users are not affected."""

import time
from typing import Any

import pytest

from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of


@pytest.fixture
def three_per_second(settings: Any) -> None:
    settings.CLAIMS_PER_USER_PER_S = 3


def next_second() -> None:
    """Wait for the start of a second: claims are counted per second, and some must share one."""
    time.sleep(1 - time.monotonic() % 1)


@pytest.mark.usefixtures("three_per_second")
def test_beyond_the_limit_a_user_waits_and_the_others_do_not(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy)
    next_second()
    jun = Person("jun")
    assert [jun.claims().status_code for _ in range(3)][1:] == [200, 200]
    refused = jun.claims()
    problem_of(refused, 429, "too_many_requests")
    assert refused.headers["Retry-After"] == "1"
    assert Person("sora").claims().json()["place"] == 2
    next_second()
    assert jun.claims().status_code == 200


@pytest.mark.usefixtures("three_per_second")
def test_a_claim_beyond_the_limit_asks_neither_redis_nor_mysql(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    open_campaign(stock=1)
    next_second()
    jun = Person("jun")
    for _ in range(3):
        jun.claims("unheard-of")
    asked = store().client.info("stats")["total_commands_processed"]
    with django_assert_num_queries(0):
        problem_of(jun.claims(), 429, "too_many_requests")
    assert store().client.info("stats")["total_commands_processed"] == asked + 1


def test_no_limit_is_no_limit(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.CLAIMS_PER_USER_PER_S = 0
    open_campaign()
    assert {Person("jun").claims().status_code for _ in range(50)} == {200, 202}


def test_get_requests_are_not_rate_limited(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.CLAIMS_PER_USER_PER_S = 1
    open_campaign()
    for _ in range(20):
        assert Person("hana").asks("campaigns/sale/claims/me").status_code == 200
    assert Person("hana").claims().status_code == 202
