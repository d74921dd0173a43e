"""Complaints 37 to 46: keys, limits, reasons, and who is one user.

33, 34, 35 (Idempotency-Key): tests/coupons/api/merchant/test_idempotency.py and
test_idempotency_races.py.
"""

import json
import threading
from typing import Any

import pytest
from django.test import Client

from coupons.api.merchant import rate_limit
from coupons.campaigns.snapshot import snapshot_of
from coupons.errors import TooManyRequests
from coupons.identity import user_tokens
from coupons.merchants.api_keys import MerchantCaller
from coupons.models import Coupon, Merchant, MerchantKey
from tests.conftest import CampaignMaker, Person, Settings
from tests.coupons.api.merchant.conftest import Backend, order
from tests.coupons.redemption.conftest import make_sale, won_by

pytestmark = pytest.mark.django_db


def test_complaint_37_a_key_is_verified_by_a_fast_hash_of_a_random_secret(
    backend: Backend,
) -> None:
    assert backend.post("quotes").status_code == 400
    key = MerchantKey.objects.get()
    assert key.hashed_key.startswith("sha512$$")


def test_complaint_37_when_it_was_last_used_is_told(backend: Backend, coupon: Coupon) -> None:
    assert MerchantKey.objects.get().last_used_at is None
    backend.post("quotes", order(coupon))
    assert MerchantKey.objects.get().last_used_at is not None


def test_complaint_37_a_key_has_scopes(backend: Backend, coupon: Coupon) -> None:
    reader = Backend(backend.merchant, scopes=("read",))
    assert reader.post("quotes", order(coupon)).status_code == 200
    for path in ("reservations", "redemptions", "coupons/revoke"):
        answer = reader.post(path, order(coupon))
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def passed_of(count: int, check: Any) -> int:
    """How many of so many threads pass a check that they make at the same moment."""
    passed: list[bool] = []
    together = threading.Barrier(count)

    def ask() -> None:
        together.wait()
        try:
            check()
        except TooManyRequests:
            return
        passed.append(True)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(passed)


def test_complaint_38_concurrent_requests_do_not_pass_a_limit(settings: Settings) -> None:
    settings.UNKNOWN_CODES_PER_KEY_PER_MIN = 5
    caller = MerchantCaller(1, "books", "abcd1234", frozenset())
    assert passed_of(24, lambda: rate_limit.count_unknown_code(caller)) == 5


def test_complaint_38_negative_control_reading_and_then_writing_a_cache_lets_them_pass() -> None:
    cache = {"count": 0}
    looked = threading.Barrier(24)

    def throttle() -> None:
        count = cache["count"]
        looked.wait()
        if count >= 5:
            raise TooManyRequests("wait")
        cache["count"] = count + 1

    assert passed_of(24, throttle) == 24


def test_complaint_42_each_reason_is_told_by_its_code_and_with_its_numbers(
    backend: Backend, coupon: Coupon
) -> None:
    quote = backend.post("quotes", order(coupon, subtotal="9999", user="bob")).json()
    assert quote["reasons"] == [
        {"code": "user_differs"},
        {"code": "below_minimum", "minimum": "10000", "missing": "1"},
    ]


def test_complaint_43_another_shops_coupon_and_none_are_told_by_the_same_words(
    backend: Backend, coupon: Coupon
) -> None:
    """A guesser learns neither that a code lives nor its minimum order."""
    rival = Backend(Merchant.objects.create(slug="rival", name="Rival"))
    nobodys_code = snapshot_of(coupon.campaign).code_of(user="nobody", nth=1, place=9)
    for path in ("quotes", "reservations", "redemptions"):
        theirs = rival.post(path, order(coupon, subtotal="1"))
        nobodys = rival.post(path, order(coupon, subtotal="1") | {"code": nobodys_code})
        assert (theirs.status_code, nobodys.status_code) == (404, 404)
        assert nobodys.json() | {"request_id": 0} == theirs.json() | {"request_id": 0}


def test_complaint_43_guessing_is_stopped_for_known_codes_as_well(
    backend: Backend, coupon: Coupon, settings: Settings
) -> None:
    settings.UNKNOWN_CODES_PER_KEY_PER_MIN = 3
    rival = Backend(Merchant.objects.create(slug="rival", name="Rival"))
    statuses = [rival.post("quotes", order(coupon)).status_code for _ in range(5)]
    assert statuses == [404, 404, 404, 429, 429]
    assert backend.post("quotes", order(coupon)).status_code == 200  # another key's limit


def test_complaint_44_another_address_is_not_another_user(open_campaign: CampaignMaker) -> None:
    """Who a user is says the token's `sub` alone."""
    open_campaign("sale")
    ann = Person("ann")
    assert ann.claims().status_code == 202
    again = Person("ann", segments=("new-mail@example.org",))
    assert again.claims().headers["Coupon-Outcome"] == "already_claimed"
    assert user_tokens.mint_token("ann") != user_tokens.mint_token("Ann")


def test_complaint_45_guests_have_no_road(open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    path = "/api/v1/campaigns/sale/claims"
    assert Client().post(path).status_code == 401
    body = {"user": "ann", "email": "ann@example.org"}  # a user is never read from a body
    refused = Person("bob").claims(body=json.dumps(body))
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("audience", "segments", "status"),
    [("gold", ("gold",), 202), ("gold", ("silver",), 403), ("gold", (), 403), ("", (), 202)],
)
def test_complaint_46_a_groups_campaign_is_its_own_and_all_others_are_everyones(
    open_campaign: CampaignMaker, audience: str, segments: tuple[str, ...], status: int
) -> None:
    open_campaign("sale", audience=audience)
    assert Person("ann", segments).claims().status_code == status


def test_complaint_46_a_shop_redeems_the_coupons_of_its_own_campaigns_only(
    backend: Backend, open_campaign: CampaignMaker
) -> None:
    theirs = won_by(make_sale(open_campaign, Merchant.objects.create(slug="rival", name="Rival")))
    assert backend.post("redemptions", order(theirs)).status_code == 404
