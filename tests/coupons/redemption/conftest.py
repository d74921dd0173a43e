"""A merchant's campaign whose coupons are stored, and the means to move them through their life."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F

from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.models import ActorKind, Coupon, CouponLife, Merchant
from coupons.redemption.lifecycle import Cart
from tests.conftest import CampaignMaker

KEY = Actor(ActorKind.KEY, "abcd1234")
OPERATOR = Actor(ActorKind.OPERATOR, "Mina")
CouponMaker = Callable[..., Coupon]


@pytest.fixture
def merchant(db: None) -> Merchant:
    return Merchant.objects.create(slug="books", name="Books")


@pytest.fixture
def sale(open_campaign: CampaignMaker, merchant: Merchant) -> CampaignSnapshot:
    """10 %, at most 5,000 won, from 10,000 won on."""
    return make_sale(open_campaign, merchant)


def make_sale(open_campaign: CampaignMaker, merchant: Merchant, **fields: Any) -> CampaignSnapshot:
    terms: dict[str, Any] = {
        "merchant": merchant, "strategy": "direct", "minimum_order": 10_000, "discount_cap": 5_000,
    }  # fmt: skip
    return open_campaign(fields.pop("slug", "sale"), **terms | fields)


def won_by(sale: CampaignSnapshot, user: str = "ann") -> Coupon:
    """This user's stored coupon."""
    strategies.admit(sale, Claim(user))
    return Coupon.objects.get(user=user, campaign_id=sale.id)


@pytest.fixture
def coupon(sale: CampaignSnapshot) -> Coupon:
    return won_by(sale)


def cart(order: str = "order-1", subtotal: int = 20_000, **more: Any) -> Cart:
    return Cart(order, Decimal(subtotal), more.pop("currency", "KRW"), **more)


def age_coupon(coupon: Coupon, **past: float) -> None:
    """Move a coupon and its life into the past by so many days, hours or seconds."""
    by = timedelta(**past)
    Coupon.objects.filter(pk=coupon.pk).update(expires_at=F("expires_at") - by)
    for row in CouponLife.objects.filter(pk=coupon.pk):
        for name in ("changed_at", "hold_since", "hold_until", "end_override", "redeemed_at"):
            if getattr(row, name):
                setattr(row, name, getattr(row, name) - by)
        row.save()


def lapse_hold(coupon: Coupon) -> None:
    """End the coupon's hold a second ago; nothing else ages."""
    CouponLife.objects.filter(pk=coupon.pk).update(hold_until=F("hold_until") - timedelta(hours=3))


def expire(coupon: Coupon) -> None:
    """Let the coupon have ended a second ago; its holds stay as they are."""
    row = Coupon.objects.get(pk=coupon.pk)
    Coupon.objects.filter(pk=coupon.pk).update(expires_at=row.admitted_at - timedelta(seconds=1))
