"""The sweep records what has expired, once, and changes no answer."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import (
    Coupon,
    CouponEvent,
    CouponLife,
    CouponState,
    ExpiryCursor,
    Merchant,
    OutboxMessage,
    Returned,
)
from coupons.redemption import expiry, lifecycle, quotes
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import KEY, cart, expire, lapse_hold, make_sale, won_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every campaign is looked at, whenever its coupons end."""
    monkeypatch.setattr(
        expiry, "_due_campaigns", lambda: list(Coupon.objects.values_list("campaign_id", flat=True))
    )


@pytest.fixture
def coupons(sale: CampaignSnapshot, monkeypatch: pytest.MonkeyPatch) -> list[Coupon]:
    monkeypatch.setattr(expiry, "BATCH", 2)
    return [won_by(sale, user) for user in ("ann", "bob", "jun", "mina", "yuna")]


def test_each_is_recorded_once(due: None, coupons: list[Coupon], merchant: Merchant) -> None:
    for coupon in coupons[:3]:
        expire(coupon)
    assert expiry.expire_campaigns() == 3
    assert expiry.expire_campaigns() == 0
    assert CouponLife.objects.filter(state=CouponState.EXPIRED).count() == 3
    assert CouponEvent.objects.filter(verb="expire", version=1).count() == 3
    messages = OutboxMessage.objects.filter(type="campaign.coupons_expired").order_by("id")
    assert [message.body["places"] for message in messages] == [[[1, 2]], [[3, 3]]]
    assert ExpiryCursor.objects.get().place == 3
    assert lifecycle.redeem_coupon(
        coupons[3].code, cart(), merchant_id=merchant.pk, actor=KEY
    ).is_new


def test_a_hold_in_time_is_left_alone(due: None, coupons: list[Coupon], merchant: Merchant) -> None:
    ann, bob = coupons[:2]
    for coupon in (ann, bob):
        lifecycle.reserve_coupon(
            coupon.code, cart(coupon.user), merchant_id=merchant.pk, actor=KEY, seconds=60
        )
        expire(coupon)
    lapse_hold(bob)
    assert expiry.expire_campaigns() == 1
    assert CouponLife.objects.get(pk=bob.pk).state == CouponState.EXPIRED
    assert lifecycle.redeem_coupon(ann.code, cart("ann"), merchant_id=merchant.pk, actor=KEY).is_new


def test_without_the_sweep_the_answer_is_the_same(
    due: None, coupons: list[Coupon], merchant: Merchant
) -> None:
    expire(coupons[0])
    before = quotes.quote_coupon(coupons[0].code, cart(), merchant_id=merchant.pk)
    expiry.expire_campaigns()
    after = quotes.quote_coupon(coupons[0].code, cart(), merchant_id=merchant.pk)
    assert (before.state, before.reasons) == (after.state, after.reasons)
    assert before.state is CouponState.EXPIRED


def test_stock_comes_back_where_the_campaign_says_so(
    due: None, open_campaign: CampaignMaker, merchant: Merchant
) -> None:
    sale = make_sale(open_campaign, merchant, expiry_returns=True)
    for user in ("ann", "bob"):
        expire(won_by(sale, user))
    expiry.expire_campaigns()
    expiry.expire_campaigns()
    assert Returned.objects.get().returned == 2


def test_only_campaigns_whose_first_coupons_may_have_ended_are_looked_at(
    coupons: list[Coupon],
) -> None:
    expire(coupons[0])
    assert expiry.expire_campaigns() == 0


def test_a_sweep_that_finds_nothing_due_reads_no_more_than_a_batch(
    due: None, coupons: list[Coupon]
) -> None:
    """Of a million coupons that end tomorrow, not all are read every half minute."""
    expire(coupons[0])
    assert expiry.expire_campaigns() == 1
    with CaptureQueriesContext(connection) as captured:
        assert expiry.expire_campaigns() == 0
    statements = [query["sql"] for query in captured if "is_due" in query["sql"]]
    assert statements
    for statement in statements:
        assert "expires_at" not in statement.partition("WHERE")[2]
        assert "LIMIT 2" in statement
