"""Rate limit: a user's excess requests get 429; other users are not affected."""

from typing import Any

import pytest

from coupons.api import rate_limit
from coupons.claims import coupon_codes
from coupons.issuing.drain import drain
from coupons.models import Coupon
from coupons.observability import stranger_metrics
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of
from tests.harness.one_second import OneSecond


@pytest.fixture
def three_per_second(settings: Any) -> None:
    settings.CLAIMS_PER_USER_PER_S = 3


@pytest.mark.usefixtures("three_per_second")
def test_beyond_the_limit_a_user_waits_and_the_others_do_not(
    open_campaign: CampaignMaker, strategy: str, one_second: OneSecond
) -> None:
    open_campaign(strategy=strategy)
    jun = Person("jun")
    assert [jun.claims().status_code for _ in range(3)][1:] == [200, 200]
    refused = jun.claims()
    problem_of(refused, 429, "too_many_requests")
    assert refused.headers["Retry-After"] == "1"
    assert Person("sora").claims().json()["place"] == 2
    one_second.end()
    assert jun.claims().status_code == 200


@pytest.mark.usefixtures("three_per_second")
def test_a_claim_beyond_the_limit_asks_neither_redis_nor_mysql(
    open_campaign: CampaignMaker, django_assert_num_queries: Any, one_second: OneSecond
) -> None:
    open_campaign(stock=1)
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


# All other requests, and look-ups that find nothing


def code_of(number: int) -> str:
    """A code with a right check symbol that nobody has."""
    symbols = f"{number:015d}"
    return symbols + coupon_codes._check_symbol(symbols)


def test_13_requests_that_change_nothing_have_a_limit_of_their_own(
    open_campaign: CampaignMaker, settings: Any, one_second: OneSecond
) -> None:
    settings.REQUESTS_PER_USER_PER_S = 5
    open_campaign()
    jun = Person("jun")
    statuses = [jun.asks("campaigns/sale/claims/me").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert jun.claims().status_code == 202, "a claim is no such request"
    assert Person("ann").asks("coupons").status_code == 200


@pytest.mark.parametrize("known", [False, True])
def test_13_guessing_codes_is_slow_and_learns_nothing_meanwhile(
    open_campaign: CampaignMaker, settings: Any, known: bool
) -> None:
    settings.UNKNOWN_PER_USER_PER_MIN = 5
    open_campaign()
    jun = Person("jun")
    jun.claims()
    drain("sale", consumer="test")
    statuses = [jun.asks(f"coupons/{code_of(number)}").status_code for number in range(8)]
    assert statuses == [404] * 5 + [429] * 3
    asked = Coupon.objects.get().code if known else code_of(99)
    refused = jun.asks(f"coupons/{asked}")
    problem_of(refused, 429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) >= 1
    assert Person("ann").asks(f"coupons/{code_of(1)}").status_code == 404


def test_13_guessing_receipts_is_slow(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.UNKNOWN_PER_USER_PER_MIN = 3
    open_campaign()
    client, path = Person("jun").client, "/api/v1/receipts/verify"
    statuses = [
        client.post(path, {"receipt": f"a.{number}.c"}, "application/json").status_code
        for number in range(5)
    ]
    assert statuses == [200] * 3 + [429] * 2


def test_13_negative_control_without_the_limit_codes_are_guessed_at_speed(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    settings.UNKNOWN_PER_USER_PER_MIN = 0
    open_campaign()
    jun = Person("jun")
    assert {jun.asks(f"coupons/{code_of(number)}").status_code for number in range(90)} == {404}


def test_13_a_limiter_that_fails_lets_pass_and_is_counted(
    open_campaign: CampaignMaker, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLAIMS_PER_USER_PER_S = settings.REQUESTS_PER_USER_PER_S = 1
    settings.UNKNOWN_PER_USER_PER_MIN = 1
    open_campaign()
    for state in ("_claims", "_requests", "_failed_lookups"):
        monkeypatch.setattr(getattr(rate_limit, state), "current", None)
    before = stranger_metrics.LIMITER_FAILURES._value.get()
    jun = Person("jun")
    assert [jun.claims().status_code for _ in range(3)] == [202, 200, 200]
    assert [jun.asks(f"coupons/{code_of(1)}").status_code for _ in range(3)] == [404] * 3
    assert stranger_metrics.LIMITER_FAILURES._value.get() > before + 5


def test_13_a_thousand_users_behind_one_address_are_all_served(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    """A carrier's NAT, a school: every request comes from 127.0.0.1."""
    settings.CLAIMS_PER_USER_PER_S, settings.REQUESTS_PER_USER_PER_S = 20, 50
    settings.UNKNOWN_PER_USER_PER_MIN = 60
    open_campaign(stock=1000)
    assert {Person(f"user-{number}").claims().status_code for number in range(1000)} == {202}
