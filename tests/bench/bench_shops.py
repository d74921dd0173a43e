"""A merchant whose users have stored coupons, and its key."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import MySQLdb
from django.conf import settings
from django.db import connection
from django.utils import timezone

from coupons.campaigns import lifecycle, snapshot
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.issuing.drain import drain
from coupons.merchants import api_keys
from coupons.models import Campaign, Merchant, Scope
from tests.bench import bench_users, redis_pipeline

ACTOR = "bench"


@dataclass(frozen=True, slots=True)
class Shop:
    campaign: CampaignSnapshot
    merchant: Merchant
    key: str


def open_shop(name: str, *, coupons: int) -> Shop:
    """With so many stored coupons. No limit of requests per key."""
    settings.REQUESTS_PER_KEY_PER_S = 0
    merchant = Merchant.objects.create(slug=f"{name}-{secrets.token_hex(4)}", name=name)
    campaign = open_campaign(merchant, stock=coupons)
    redis_pipeline.fill_queue(campaign, bench_users.make_users(coupons))
    while drain(campaign.slug, consumer=ACTOR).stored:
        pass
    _, key = api_keys.make_key(merchant, name=ACTOR, scopes=list(Scope.values))
    return Shop(campaign, merchant, key)


def open_campaign(merchant: Merchant | None, *, stock: int, **fields: Any) -> CampaignSnapshot:
    now = timezone.now()
    terms: dict[str, Any] = {
        "opens_at": now - timedelta(seconds=1), "closes_at": now + timedelta(hours=2),
        "valid_days": 30, "discount_value": 10,
    }  # fmt: skip
    slug = f"shop-{secrets.token_hex(4)}"
    campaign = Campaign(slug=slug, name="shop", stock=stock, merchant=merchant, **terms | fields)
    lifecycle.save_draft(campaign, actor=ACTOR)
    return snapshot.snapshot_of(lifecycle.schedule_campaign(slug, actor=ACTOR))


def order_of(code: str) -> dict[str, str]:
    return {"code": code, "order_ref": f"o-{code}", "subtotal": "20000", "currency": "KRW"}


def bare_connection() -> MySQLdb.Connection:
    """To the same database, without Django, at the same isolation."""
    parameters = connection.get_connection_params()
    bare = MySQLdb.connect(**parameters)
    bare.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    return bare
