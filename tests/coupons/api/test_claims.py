"""POST …/claims: each outcome, with both strategies, and the same answer for every repetition."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons.campaigns import lifecycle, lookup
from coupons.claims import coupon_codes, receipt_tokens
from coupons.issuing import drain
from coupons.models import Campaign, Coupon
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

HELD = {
    "campaign", "nth", "place", "code", "receipt", "admitted_at", "expires_at", "status_url",
}  # fmt: skip


@pytest.mark.parametrize(("road", "status"), [("queued", 202), ("direct", 201)])
def test_an_admission_has_place_code_receipt_and_status_url(
    open_campaign: CampaignMaker, road: str, status: int
) -> None:
    sale = open_campaign(strategy=road, valid_days=3)
    response = Person("jun").claims()
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Coupon-Outcome"] == "admitted"
    said = response.json()
    assert said.keys() == HELD
    assert (said["campaign"], said["nth"], said["place"]) == ("sale", 1, 1)
    code = coupon_codes.normalise_code(said["code"])
    assert code == sale.code_of(user="jun", nth=1, place=1)
    assert said["code"] == coupon_codes.grouped_code(code)
    admitted, expires = map(datetime.fromisoformat, (said["admitted_at"], said["expires_at"]))
    assert abs(admitted - timezone.now()) < timedelta(seconds=10)
    assert expires - admitted == timedelta(days=3)
    assert Person("jun").client.get(said["status_url"]).json()["place"] == 1


def test_the_receipt_matches_the_admission_in_the_answer(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    sale = open_campaign(strategy=strategy)
    said = Person("jun").claims().json()
    proof = receipt_tokens.read_receipt(sale.key, said["receipt"])
    assert proof is not None
    admitted_ms = int(datetime.fromisoformat(said["admitted_at"]).timestamp() * 1000 + 0.5)
    assert proof == receipt_tokens.Receipt("sale", "jun", 1, 1, admitted_ms)


@pytest.mark.stores
def test_asking_again_gets_the_same_bytes_before_and_after_it_is_stored(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=1)
    jun = Person("jun")
    first = jun.claims()
    again = jun.claims()
    if strategy == "queued":
        assert drain.drain("sale", consumer="test").stored == 1
    lookup.clear_snapshots()
    after = jun.claims()
    for repeated in (again, after):
        assert repeated.status_code == 200
        assert repeated.headers["Coupon-Outcome"] == "already_claimed"
        assert repeated.content == first.content
    assert Coupon.objects.count() == 1


def test_a_holder_gets_the_same_answer_after_the_campaign_is_over(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=1)
    first = Person("jun").claims()
    problem_of(Person("sora").claims(), 409, "sold_out")
    lifecycle.pause_campaign("sale", actor="Mina")
    assert Person("jun").claims().content == first.content
    lifecycle.close_campaign("sale", actor="Mina")
    assert Person("jun").claims().content == first.content


def test_a_holder_who_left_the_segment_keeps_the_place(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, audience="gold")
    first = Person("jun", ("gold",)).claims()
    again = Person("jun").claims()
    assert (again.status_code, again.content) == (200, first.content)


def test_places_are_given_in_order_until_none_is_left(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=2)
    assert [Person(name).claims().json()["place"] for name in ("jun", "sora")] == [1, 2]
    refused = Person("hana").claims()
    said = problem_of(refused, 409, "sold_out")
    assert refused.headers["Coupon-Outcome"] == "sold_out"
    assert said["detail"]
    assert "Retry-After" not in refused.headers


def test_a_claim_before_the_opening_gets_the_opening_time(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    opens_at = (timezone.now() + timedelta(seconds=90)).replace(microsecond=123_000)
    open_campaign(strategy=strategy, opens_at=opens_at)
    refused = Person("jun").claims()
    said = problem_of(refused, 409, "not_open")
    assert refused.headers["Coupon-Outcome"] == "not_open"
    assert said["opens_at"].endswith(".123Z")
    assert datetime.fromisoformat(said["opens_at"]) == opens_at
    assert 60 <= int(refused.headers["Retry-After"]) <= 91


def test_a_claim_after_the_closing_is_answered_with_closed(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy)
    lifecycle.close_campaign("sale", actor="Mina")
    refused = Person("jun").claims()
    problem_of(refused, 410, "closed")
    assert refused.headers["Coupon-Outcome"] == "closed"
    assert "Retry-After" not in refused.headers


def test_a_paused_campaign_asks_to_come_back(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy)
    lifecycle.pause_campaign("sale", actor="Mina")
    refused = Person("jun").claims()
    problem_of(refused, 503, "paused")
    assert refused.headers["Coupon-Outcome"] == "paused"
    assert int(refused.headers["Retry-After"]) > 0
    lifecycle.resume_campaign("sale", actor="Mina")
    assert Person("jun").claims().json()["place"] == 1


def test_a_campaign_paused_to_its_end_is_over_not_paused(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy)
    lifecycle.pause_campaign("sale", actor="Mina")
    moved = timezone.now()
    sale = Campaign.objects.get(slug="sale")
    lifecycle.reschedule("sale", opens_at=sale.opens_at, closes_at=moved, actor="Mina")
    problem_of(Person("jun").claims(), 410, "closed")
    assert Person("jun").asks("campaigns/sale").json()["state"] == "closed"


def test_a_campaign_paused_before_it_opens_is_paused(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, opens_at=timezone.now() + timedelta(minutes=5))
    lifecycle.pause_campaign("sale", actor="Mina")
    problem_of(Person("jun").claims(), 503, "paused")
    assert Person("jun").asks("campaigns/sale").json()["state"] == "paused"


def test_only_the_audience_is_eligible(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, audience="gold")
    for segments in ((), ("silver",), ("GOLD",), ("gold ",)):
        refused = Person("jun", segments).claims()
        problem_of(refused, 403, "not_eligible")
        assert refused.headers["Coupon-Outcome"] == "not_eligible"
    assert Person("jun", ("silver", "gold")).claims().json()["place"] == 1


@pytest.mark.stores
def test_each_nth_is_a_coupon_of_its_own(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, per_user=3)
    jun = Person("jun")
    first, third = jun.claims(body={}), jun.claims(body={"nth": 3})
    assert [(said["nth"], said["place"]) for said in (first.json(), third.json())] == [
        (1, 1),
        (3, 2),
    ]
    assert first.json()["code"] != third.json()["code"]
    assert jun.claims(body={"nth": 1}).content == first.content
    assert jun.claims(body={"nth": 3}).content == third.content
    assert third.json()["status_url"].endswith("?nth=3")
    if strategy == "queued":
        drain.drain("sale", consumer="test")
    assert list(Coupon.objects.order_by("place").values_list("user", "nth", "place")) == [
        ("jun", 1, 1),
        ("jun", 3, 2),
    ]


def test_a_draft_is_an_unknown_campaign(draft: Any, strategy: str) -> None:
    draft("secret", strategy=strategy)
    problem_of(Person("jun").claims("secret"), 404, "unknown_campaign")
    problem_of(Person("jun").asks("campaigns/secret"), 404, "unknown_campaign")
    problem_of(Person("jun").asks("campaigns/secret/claims/me"), 404, "unknown_campaign")


def test_no_answer_of_the_api_may_be_kept_by_a_cache(open_campaign: CampaignMaker) -> None:
    open_campaign()
    jun = Person("jun")
    code = jun.claims().json()["code"]
    for path in ("campaigns/sale", "campaigns/sale/claims/me", "coupons", f"coupons/{code}"):
        assert jun.asks(path).headers["Cache-Control"] == "no-store", path
    assert jun.claims().headers["Cache-Control"] == "no-store"


# No query to MySQL


def clear_process_cache() -> None:
    """Clear the caches, as in a process that has just started."""
    lookup.clear_snapshots()


def test_an_admission_and_its_repetition_ask_no_database(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    open_campaign()
    clear_process_cache()
    with django_assert_num_queries(0):
        assert Person("jun").claims().status_code == 202
        assert Person("jun").claims().status_code == 200


@pytest.mark.parametrize("outcome", ["sold_out", "not_open", "closed", "paused", "not_eligible"])
def test_a_refusal_asks_no_database(
    open_campaign: CampaignMaker, django_assert_num_queries: Any, outcome: str
) -> None:
    later = timezone.now() + timedelta(minutes=1)
    open_campaign(
        stock=1,
        audience="gold" if outcome == "not_eligible" else "",
        **({"opens_at": later} if outcome == "not_open" else {}),
    )
    if outcome == "sold_out":
        Person("sora").claims()
    elif outcome in ("closed", "paused"):
        {"closed": lifecycle.close_campaign, "paused": lifecycle.pause_campaign}[outcome](
            "sale", actor="Mina"
        )
    clear_process_cache()
    with django_assert_num_queries(0):
        assert Person("jun").claims().json()["code"] == outcome


def test_a_refused_token_or_body_asks_neither_database_nor_redis(
    db: None,
    django_assert_num_queries: Any,
) -> None:
    asked = store().client.info("stats")["total_commands_processed"]
    with django_assert_num_queries(0):
        jun = Person("jun")
        jun.client.defaults["HTTP_AUTHORIZATION"] = "Bearer x.y.z"
        problem_of(jun.claims(), 401, "bad_token")
        problem_of(Person("jun").claims("NO SUCH SLUG"), 404, "unknown_campaign")
    # Only the repeated look-up itself.
    assert store().client.info("stats")["total_commands_processed"] == asked + 1
