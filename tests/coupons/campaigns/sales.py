"""Four campaigns of which one is damaged, users who claim from all of them, and workers that handle
the sent wake-ups. The fixtures `broker` and `sales` are in conftest."""

from typing import Any

import pytest

from coupons import store, tasks
from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import CouponError
from coupons.models import Coupon
from coupons.monitoring import collectors
from coupons.store import WAKEUP_TTL_MS, keys

SLUGS = ["p0", "p1", "p2", "p3"]
ILL = "p1"
WELL = [slug for slug in SLUGS if slug != ILL]
Broker = list[list[str]]


def everybody_asks(sales: dict[str, CampaignSnapshot], user: str) -> None:
    for sale in sales.values():
        try:
            strategies.admit(sale, Claim(user))
        except CouponError:
            assert sale.slug == ILL


def lose_wakeups(broker: Broker) -> None:
    """Drop the sent wake-ups, and expire their pending flags."""
    broker.clear()
    redis: Any = store.store().client
    for bell_key in (keys.campaign_keys(slug).bell for slug in SLUGS):
        if 0 < redis.pttl(bell_key) <= WAKEUP_TTL_MS:
            redis.delete(bell_key)


def handle_wakeups(broker: Broker) -> None:
    """As workers do."""
    messages, broker[:] = list(broker), []
    for slugs in messages:
        tasks.drain_each(slugs)


def stored_campaigns(user: str) -> set[str]:
    return set(Coupon.objects.filter(user=user).values_list("campaign__slug", flat=True))


def log_lines(log: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.levelname} {record.getMessage()}" for record in log.records)


def live_gauges() -> dict[str, dict[str, float]]:
    """By name and campaign."""
    found: dict[str, dict[str, float]] = {}
    for family in collectors.Campaigns().collect():
        for one in family.samples:
            found.setdefault(one.name, {})[one.labels.get("campaign", "")] = one.value
    assert found["coupon_redis_up"] == {"": 1}
    return found
