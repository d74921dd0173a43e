"""The campaigns that `run` and `demo` create."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.claims import timestamps
from coupons.database import clock
from coupons.errors import CouponError
from coupons.models import Campaign, EventKind, Merchant
from coupons.store import store

RUN_STOCK, RUN_MERCHANT = 1_000, "shop"
_RUN_LASTS = timedelta(days=30)
_DEMO_LASTS = timedelta(minutes=10)
_PREFIX = "opening-"


def open_campaign(actor: str) -> Campaign:
    """A campaign that is open now: the one of the last run if it is still open, or a new one. Never
    one with such a name that another actor created, as load runs once did: it may be deleted in a
    minute."""
    own_campaigns = Campaign.objects.filter(events__actor=actor, events__kind=EventKind.CREATED)
    of_shop = own_campaigns.filter(slug__startswith=_PREFIX, merchant__slug=RUN_MERCHANT)
    for candidate in of_shop.filter(state__in=lifecycle.LIVE):
        if _is_open(candidate):
            return candidate
    return _open(_free_slug(), actor)


def campaign_opening_in(
    slug: str, *, stock: int, ahead_s: float, actor: str, merchant: Merchant
) -> Campaign:
    """A campaign that opens so many seconds from now, by Redis' clock."""
    opens = timestamps.moment_of(store().server.now_ms() + round(ahead_s * 1000))
    return _scheduled(
        slug,
        stock=stock,
        opens=opens,
        closes=opens + _DEMO_LASTS,
        actor=actor,
        merchant=merchant,
    )


def late_campaign(slug: str, merchant: Merchant, *, lasts_s: int) -> Campaign:
    """Two coupons, to be claimed within `lasts_s`, that expire a second later."""
    now = timestamps.moment_of(clock.now_ms())
    return _scheduled(
        slug,
        stock=2,
        opens=now,
        closes=now + timedelta(seconds=lasts_s),
        actor="make demo",
        merchant=merchant,
        strategy=Campaign.Strategy.DIRECT,
        valid_until=now + timedelta(seconds=lasts_s + 1),
        valid_days=None,
    )


def _is_open(campaign: Campaign) -> bool:
    """False if Redis was emptied or paused it, its window or stock is over, or its key is gone."""
    try:
        gate = store().campaigns.gate(campaign.slug)
    except CouponError:
        return False
    return (
        gate.epoch == campaign.epoch
        and campaign.key_id in settings.COUPON_KEYS
        and not gate.paused
        and gate.opens_ms <= gate.now_ms < gate.closes_ms
        and gate.remaining > 0
    )


def _open(slug: str, actor: str) -> Campaign:
    now = timezone.now()
    shop, _ = Merchant.objects.get_or_create(slug=RUN_MERCHANT, defaults={"name": "The shop"})
    _scheduled(
        slug, stock=RUN_STOCK, opens=now, closes=now + _RUN_LASTS, actor=actor, merchant=shop
    )
    return lifecycle.open_now(slug, actor=actor)


def _free_slug() -> str:
    """A slug that neither the database nor Redis contains; either may be older than the other."""
    known = set(Campaign.objects.values_list("slug", flat=True)) | set(
        store().campaigns.installed_slugs()
    )
    return next(slug for n in range(1, len(known) + 2) if (slug := f"{_PREFIX}{n}") not in known)


def _scheduled(
    slug: str, *, stock: int, opens: datetime, closes: datetime, actor: str, **fields: Any
) -> Campaign:
    terms: dict[str, Any] = {
        "name": "Opening sale",
        "discount": Campaign.Discount.PERCENT,
        "discount_value": Decimal(10),
        "minimum_order": Decimal(10_000),
        "discount_cap": Decimal(5_000),
        "valid_days": 30,
    }
    lifecycle.save_draft(
        Campaign(slug=slug, stock=stock, opens_at=opens, closes_at=closes, **terms | fields),
        actor=actor,
    )
    return lifecycle.schedule_campaign(slug, actor=actor)
