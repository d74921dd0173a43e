"""What is answered to "why did I not get one?": the user, the shop's support, both languages."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from coupons.admin.attempts.attempt_rows import attempt_rows
from coupons.admission import strategies
from coupons.attempts.attempts_of_user import find_attempts, my_attempts
from coupons.attempts.finding import FoundRefusals
from coupons.attempts.sentences import HeldPlace, Story, customer_sentences
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.campaigns.sold_out import record_sold_out
from coupons.claims.packed_refusals import _DECIDERS, Refusal
from coupons.claims.values import Claim
from coupons.identity import user_tokens
from coupons.issuing.drain import drain
from coupons.models import Campaign, CouponState
from coupons.observability.refusal_notes import hand_on_notes
from coupons.runtime import runtime
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "campaigns/sale/attempts/me"


@pytest.fixture
def sold_out(open_campaign: CampaignMaker) -> CampaignSnapshot:
    """Ann has the only coupon; bob was refused twice."""
    sale = open_campaign(stock=1)
    for user in ("ann", "bob", "bob"):
        Person(user).claims()
    hand_on_notes()
    return sale


def test_a_user_reads_the_same_margin_as_at_the_refusal(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    Person("ann").claims()
    told = Person("bob").claims().json()
    hand_on_notes()
    answer = Person("bob").asks(PATH)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    (refusal,) = answer.json()["refusals"]
    assert (refusal["last_at"], refusal["last_place_at"]) == (
        told["answered_at"], told["last_place_at"],
    )  # fmt: skip
    assert (refusal["decided_by"], refusal["places_given"], refusal["users_before"]) == (
        "stock", 1, 0,
    )  # fmt: skip
    sentences = answer.json()["sentences"]
    late = f"{refusal['after_last_place_ms'] / 1000:.3f}"
    assert f"{late} s before" in sentences["en"]
    assert f"{late}초 앞선" in sentences["ko"]


def test_nobody_reads_anothers_attempts(sold_out: CampaignSnapshot) -> None:
    assert Person("jun").asks(PATH).json()["refusals"] == []
    assert Client().get(f"/api/v1/{PATH}").status_code == 401
    assert Person("bob").asks("campaigns/none/attempts/me").status_code == 404


def test_who_has_one_is_told_so(sold_out: CampaignSnapshot) -> None:
    waiting = Person("ann").asks(PATH).json()
    assert waiting["sentences"]["en"] == "You have a coupon of “The sale”: you were number 1."
    drain("sale", consumer="one")
    assert Person("ann").asks(PATH).json() == waiting


def test_the_plain_page_says_the_same_after_a_reload(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    settings.SHOP_LOGIN_URL = ""
    open_campaign(stock=1)
    Person("ann").claims()
    form = {"token": user_tokens.mint_token("bob")}
    told = Client().post("/events/sale/claim", form).content.decode()
    hand_on_notes()
    margin = "The last coupon went at"
    assert margin in told
    again = Client().post("/events/sale", form).content.decode()
    line = next(line for line in told.splitlines() if margin in line)
    assert line in again
    assert margin not in Client().post(
        "/events/sale", {"token": user_tokens.mint_token("jun")}
    ).content.decode()  # fmt: skip
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    runtime.start_fresh()  # or the page is of before, for a second
    assert margin not in Client().post("/events/sale", form).content.decode()


def test_support_reads_places_refusals_and_how_complete_they_are(
    sold_out: CampaignSnapshot,
) -> None:
    found = find_attempts(Campaign.objects.get(), "bob")
    assert [(one["outcome"], one["count"]) for one in found["refusals"]] == [("sold_out", 2)]
    assert found["refusals_kept"] == {"kept": 2, "made": 2, "complete": True, "unknown": None}
    never = find_attempts(Campaign.objects.get(), "jun")
    assert never["sentences"]["en"] == "We have no request of yours for a coupon of “The sale”."


def test_while_redis_is_away_nothing_is_claimed_to_be_known(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign()
    redis_away()
    found = find_attempts(Campaign.objects.get(), "bob")
    assert found["refusals_kept"]["unknown"] == "store_away"
    assert not found["refusals_kept"]["complete"]
    assert found["sentences"]["en"].startswith("We can't say at the moment")


def test_a_campaign_with_several_coupons_for_each(open_campaign: CampaignMaker) -> None:
    sale = open_campaign(per_user=3, stock=2)
    for nth in (1, 2, 3):
        strategies.admit(sale, Claim("ann", nth))
    hand_on_notes()
    mine = my_attempts(sale, "ann")
    assert mine["sentences"]["en"].count("You have a coupon") == 2
    assert [(one["outcome"], one["nth"]) for one in mine["refusals"]] == [("sold_out", 3)]


NONE = FoundRefusals((), 0, 0)
STORY = Story("Lunch", 1_796_000_000_000, 1_796_000_900_000, (), NONE)


@pytest.mark.parametrize("outcome", _DECIDERS)
def test_every_outcome_has_a_sentence_in_both_languages(outcome: str) -> None:
    refusal = Refusal(outcome, 1_796_000_001_204, 1_796_000_009_204, 3, late_last_ms=292)
    told = customer_sentences(replace(STORY, found=FoundRefusals((refusal,), 3, 3)))
    assert told["en"] != told["ko"]
    for sentence in told.values():
        assert "Lunch" in sentence
        assert ".204" in sentence
        assert "%" not in sentence
    assert "3번" in told["ko"]
    assert ("0.292" in told["en"]) is (outcome == "sold_out")


def test_the_newest_attempt_is_told_first_and_that_stock_was_added() -> None:
    """As on the user's page. Asked at 1.204 s and 9.9 s; the last coupons went at 0.9 s, 9.41 s."""
    refusal = Refusal(
        "sold_out", 1_796_000_001_204, 1_796_000_009_900, 2, late_first_ms=304, late_last_ms=490
    )
    story = replace(STORY, found=FoundRefusals((refusal,), 2, 2))
    told = customer_sentences(story)["en"]
    assert told.index(".900") < told.index("0.490 s before") < told.index(".204")
    assert "the last coupon had gone at 09:53:20.900, 0.304 s before; coupons were added" in told
    same = replace(refusal, late_last_ms=9_000)
    assert "added" not in customer_sentences(
        replace(STORY, found=FoundRefusals((same,), 2, 2), sold_out_ms=1_796_000_000_900)
    )["en"]  # fmt: skip
    later = customer_sentences(replace(story, sold_out_ms=1_796_000_099_000))
    assert "the last of them went at" in later["en"] and "추가" in later["ko"]
    assert "added since" in customer_sentences(replace(story, is_raised=True))["en"]


def test_support_and_the_users_page_tell_of_the_same_attempt(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    settings.SHOP_LOGIN_URL = ""
    open_campaign(stock=1)
    for user in ("ann", "bob"):
        Person(user).claims()
    record_sold_out()
    hand_on_notes()
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    runtime.start_fresh()
    assert "added since" in find_attempts(Campaign.objects.get(), "bob")["sentences"]["en"]
    for user in ("jun", "bob"):
        Person(user).claims()
    record_sold_out()
    hand_on_notes()
    form = {"token": user_tokens.mint_token("bob")}
    page = Client().post("/events/sale", form).content.decode()
    last = re.findall(r"The last coupon went at ([\d:.]+);", page)
    support = find_attempts(Campaign.objects.get(), "bob")["sentences"]["en"]
    assert re.findall(r"The last coupon had gone at ([\d:.]+),", support) == last
    assert "coupons were added later" in support
    rows = attempt_rows(find_attempts(Campaign.objects.get(), "bob"))
    assert re.fullmatch(r"[\d.]+ … [\d.]+ s too late", rows[0].margin)


@pytest.mark.parametrize(
    ("held", "end"),
    [
        (HeldPlace(1_234, CouponState.ISSUED), "you were number 1,234."),
        (HeldPlace(1_234, None), "you were number 1,234."),
        (HeldPlace(1_234, CouponState.REVOKED), "It was withdrawn."),
        (HeldPlace(1_234, CouponState.REDEEMED), "It has been used."),
        (HeldPlace(1_234, CouponState.EXPIRED), "It has expired."),
        (HeldPlace(1_234, None, is_parked=True), "could not be issued yet."),
    ],
)
def test_a_place_counts_more_than_any_refusal(held: HeldPlace, end: str) -> None:
    refused = FoundRefusals((Refusal("sold_out", 1, 2),), 1, 1)
    told = customer_sentences(replace(STORY, held=[held], found=refused))
    assert told["en"].endswith(end)
    assert "1,234" in told["ko"]


@pytest.mark.parametrize("state", [CouponState.REVOKED, CouponState.REDEEMED, CouponState.EXPIRED])
def test_a_dead_coupon_is_told_of_in_the_past_tense(state: CouponState) -> None:
    told = customer_sentences(replace(STORY, held=[HeldPlace(7, state)]))
    assert told["en"].startswith("You had a coupon of")


def test_never_is_as_strong_as_what_is_kept() -> None:
    whole = customer_sentences(replace(STORY, found=FoundRefusals((), 10, 10)))
    part = customer_sentences(replace(STORY, found=FoundRefusals((), 10_000, 9)))
    assert "We have no request of yours" in whole["en"]
    assert "of 10,000 refusals only 9 are kept, so there may have been one" in part["en"]
    assert "10,000건 중 9건만" in part["ko"]
