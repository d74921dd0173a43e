"""What a user sees of a coupon's later life, and giving a coupon back."""

from typing import Any

import pytest

from coupons.models import Coupon, CouponEvent, Merchant, Returned
from coupons.redemption import lifecycle
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import KEY, OPERATOR, cart, expire, make_sale, won_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(db: None) -> Merchant:
    return Merchant.objects.create(slug="books", name="Books")


@pytest.fixture
def coupon(open_campaign: CampaignMaker, merchant: Merchant) -> Coupon:
    return won_by(make_sale(open_campaign, merchant, may_give_back=True))


def give_back(person: Any, coupon: Coupon, body: Any) -> Any:
    path = f"/api/v1/coupons/{coupon.code}/give-back"
    return person.client.post(path, data=body, content_type="application/json")


def states(ann: Any, coupon: Coupon) -> set[str]:
    """The state as each of the three readers says it."""
    listed = ann.asks("coupons").json()["results"][0]
    single = ann.asks(f"coupons/{coupon.code}").json()
    status = ann.asks("campaigns/sale/claims/me").json()
    return {each["state"] for each in (listed, single, status)}


def test_a_user_sees_the_state(person: Any, coupon: Coupon, merchant: Merchant) -> None:
    ann = person("ann")
    assert states(ann, coupon) == {"issued"}
    redeemed = lifecycle.redeem_coupon(coupon.code, cart(), merchant_id=merchant.pk, actor=KEY)
    assert states(ann, coupon) == {"redeemed"}
    assert redeemed.life.redemption is not None
    lifecycle.cancel_redemption(
        redeemed.life.redemption, merchant_id=merchant.pk, actor=KEY, cause="shop"
    )
    expire(coupon)
    assert states(ann, coupon) == {"expired"}


def test_a_revoked_user_keeps_the_place_and_the_answer(person: Any, coupon: Coupon) -> None:
    ann = person("ann")
    before = ann.claims()
    lifecycle.revoke_coupon(pk=coupon.pk, actor=OPERATOR, reason="fraud", returns=True)
    again = ann.claims()
    assert (again.status_code, again.content) == (200, before.content)
    assert states(ann, coupon) == {"revoked"}


def test_an_owner_gives_a_coupon_back(person: Any, coupon: Coupon) -> None:
    ann = person("ann")
    for body in ({}, {"confirm": False}, {"confirm": "yes"}, {"confirm": True, "more": 1}):
        assert give_back(ann, coupon, body).json()["code"] == "bad_input"
    assert not CouponEvent.objects.exists()
    for _ in range(2):
        answer = give_back(ann, coupon, {"confirm": True})
        assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    assert Returned.objects.get().returned == 1
    assert CouponEvent.objects.get().actor == "ann"


def test_another_user_can_not_give_it_back(person: Any, coupon: Coupon) -> None:
    answer = give_back(person("bob"), coupon, {"confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_coupon")


def test_a_redeemed_coupon_is_not_given_back(
    person: Any, coupon: Coupon, merchant: Merchant
) -> None:
    lifecycle.redeem_coupon(coupon.code, cart(), merchant_id=merchant.pk, actor=KEY)
    answer = give_back(person("ann"), coupon, {"confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "coupon_redeemed")
