"""Millions of rows for measurements, made by MariaDB itself (its tables `seq_A_to_B`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from coupons.campaigns import lifecycle
from coupons.claims.limits import slot_id
from coupons.models import Campaign, Merchant, Tally, WebhookEndpoint
from coupons.store import store

_BLOCK = 100_000  # rows a statement
_POOL = "innodb_buffer_pool_size"
_TERMS = {"valid_days": 30, "discount_value": 10, "epoch": "1"}
_PARKED = 100_000
_STATES = "ELT(1 + seq MOD 4, 'redeemed', 'revoked', 'expired', 'redeemed')"
_RARE = "IF(seq MOD 100000 = 0, 'failed', IF(seq MOD 20000 = 1, 'waiting', 'delivered'))"


@contextmanager
def quick_filling() -> Iterator[None]:
    """MariaDB with much memory and without checks, for this block."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@{_POOL}")
        [before] = cursor.fetchone() or [0]
        cursor.execute(f"SET GLOBAL {_POOL} = 3221225472, GLOBAL innodb_flush_log_at_trx_commit=0")
        cursor.execute("SET sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0")
        cursor.execute("SET max_statement_time = 0")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE coupons_coupon, coupons_couponlife, coupons_campaignevent")
        cursor.fetchall()
        cursor.execute("ANALYZE TABLE coupons_webhookdelivery, coupons_outboxmessage")
        cursor.fetchall()
        cursor.execute("ANALYZE TABLE coupons_waitlistentry, coupons_campaign")
        cursor.fetchall()
        cursor.execute(f"SET GLOBAL {_POOL} = {before}")
    connection.close()


def _fill(table: str, columns: str, values: str, count: int) -> None:
    """`values`: SQL of a row, by the number `seq`, from 1."""
    with connection.cursor() as cursor:
        for first in range(1, count + 1, _BLOCK):
            last = min(first + _BLOCK - 1, count)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM seq_{first}_to_{last}"
            )


def add_campaign(slug: str, coupons: int) -> Campaign:
    """A direct campaign, open and sold out, with a coupon on each place; a fifth of the coupons has
    a life."""
    now = datetime.now(UTC)
    campaign = Campaign.objects.create(
        slug=slug, name=f"The sale {slug}", strategy="direct", state="open", stock=coupons,
        opens_at=now - timedelta(hours=1), closes_at=now + timedelta(days=1),
        key_id=next(iter(settings.COUPON_KEYS)), **_TERMS,
    )  # fmt: skip
    Tally.objects.create(campaign=campaign, stored=coupons, highest=coupons)
    first, pk = slot_id(campaign.pk, 0), campaign.pk
    _fill("coupons_slot", "id", f"{first} + seq", coupons)
    _fill(
        "coupons_coupon",
        "slot_id, campaign_id, place, user, nth, code, admitted_at, stored_at, expires_at",
        f"{first} + seq, {pk}, seq, CONCAT('user-', seq * 7 MOD 6000000), 1,"
        f" CONCAT(LPAD(HEX(CRC32(seq)), 8, '0'), LPAD({pk}, 4, '0'), LPAD(seq MOD 10000, 4, '0')),"
        " NOW(6), NOW(6), NOW(6) + INTERVAL 30 DAY",
        coupons,
    )
    _fill(
        "coupons_couponlife",
        "slot_id, campaign_id, state, version, changed_at, order_ref, redemption, is_returned",
        f"{first} + seq * 5, {pk}, {_STATES}, 1, NOW(6), CONCAT('o-', seq),"
        " IF(seq MOD 4 IN (0, 3), UUID(), NULL), FALSE",
        coupons // 5,
    )
    return campaign


def add_small_campaigns(count: int, *, scheduled: int) -> list[Campaign]:
    """Closed campaigns, and at the top of the list `scheduled` ones that Redis knows."""
    now = datetime.now(UTC)
    first = Campaign.objects.latest("id").pk + 1
    stamp = connection.ops.adapt_datetimefield_value(now)
    row = (
        f"{first} + seq, CONCAT('old-', seq), CONCAT('An old sale ', seq), 'direct', 'closed', 100,"
        f" 1, '', '{stamp}', '{stamp}' + INTERVAL 1 HOUR, 'percent', 10, 'KRW', 0, 30,"
        f" '{next(iter(settings.COUPON_KEYS))}', '1', 1, '{stamp}'"
    )
    columns = (
        "id, slug, name, strategy, state, stock, per_user, audience, opens_at, closes_at, discount,"
        " discount_value, currency, minimum_order, valid_days, key_id, epoch, filter_blocks,"
        " created_at"
    )
    _fill("coupons_campaign", columns, row, count)
    _fill("coupons_tally", "campaign_id, stored", f"{first} + seq, 100", count)
    return [_scheduled(number, now) for number in range(scheduled)]


def _scheduled(number: int, now: datetime) -> Campaign:
    campaign = Campaign(
        slug=f"next-{number}", name=f"Sale {number}", stock=10, valid_days=30, discount_value=10,
        opens_at=now + timedelta(minutes=number - 20), closes_at=now + timedelta(days=1),
    )  # fmt: skip
    lifecycle.save_draft(campaign, actor="mina")
    return lifecycle.schedule_campaign(campaign.slug, actor="mina")


def add_parked(slug: str) -> None:
    """Parked claims, as the drain writes them."""
    with store().client.pipeline(transaction=False) as pipe:
        for number in range(1, _PARKED + 1):
            entry: Any = {"p": number, "u": f"user-{number}", "n": 1, "t": 1_795_000_000_000,
                     "reason": "place_taken", "entry": f"{number}-0"}  # fmt: skip
            pipe.xadd(f"coupon:{{{slug}}}:parked", entry)
            if number % 10_000 == 0:
                pipe.execute()


def add_events(campaign: Campaign, count: int) -> None:
    _fill(
        "coupons_campaignevent",
        "campaign_id, at, actor, kind, data",
        f"{campaign.pk}, NOW(6), 'mina', 'stock_set', '{{\"stock\": 12}}'",
        count,
    )


def add_deliveries(count: int) -> None:
    """For each of two endpoints `count` deliveries, few of which failed or wait."""
    merchant = Merchant.objects.create(slug="shop", name="Shop")
    _fill(
        "coupons_outboxmessage",
        "id, message_id, merchant_id, type, at, body, is_routed",
        f"seq, UUID(), {merchant.pk}, 'coupon.redeemed', NOW(6), '{{}}', TRUE",
        count,
    )
    for number in (1, 2):
        endpoint = WebhookEndpoint.objects.create(
            id=UUID(int=number), merchant=merchant, url=f"https://shop.example/{number}",
            key_id=next(iter(settings.COUPON_KEYS)),
        )  # fmt: skip
        stored = endpoint.pk.hex if not connection.features.has_native_uuid_field else endpoint.pk
        _fill(
            "coupons_webhookdelivery",
            "message_id, endpoint_id, state, attempts, due_at, last_error",
            f"seq, '{stored}', {_RARE}, 1, NOW(6), ''",
            count,
        )


def add_waitlist(campaign: Campaign, count: int) -> None:
    _fill(
        "coupons_waitlistentry",
        "campaign_id, user, number, asked_at, state, reason",
        f"{campaign.pk}, CONCAT('w-', seq), seq, NOW(6),"
        " IF(seq MOD 50000 = 0, 'skipped', 'waiting'), ''",
        count,
    )
