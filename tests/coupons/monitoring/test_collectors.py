"""Metrics that are collected at scrape time: bounded in number, and correct when a store is
away."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client.registry import Collector

from coupons.admission import strategies
from coupons.claims.values import Claim
from coupons.monitoring import collectors
from coupons.store import keys, store
from tests.conftest import CampaignMaker

Said = dict[tuple[str, ...], float]


def collected_samples(collector: Collector) -> Said:
    """The samples of a collector: (name, labels …) → value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in collector.collect()
        for sample in metric.samples
    }


def test_a_campaign_is_told_as_it_is_now(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=5)
    for name in ("jun", "sora"):
        strategies.admit(campaign, Claim(name))
    now = collected_samples(collectors.Campaigns())
    assert now["coupon_redis_up",] == 1
    expected = {"stock": 5, "admitted": 2, "remaining": 3, "waiting_claims": 2, "paused": 0}
    assert {name: now[f"coupon_{name}", "sale"] for name in expected} == expected
    assert now["coupon_closed_for_repair", "sale"] == 0
    assert 0 <= now["coupon_oldest_waiting_seconds", "sale"] < 60
    assert now["coupon_redis_append_only_ok",] == 1


def test_the_oldest_waiting_claim_grows_older(open_campaign: CampaignMaker) -> None:
    open_campaign()
    ten_seconds_ago = store().server.now_ms() - 10_000
    store().client.xadd(keys.campaign_keys("sale").queue, {"u": "jun"}, id=f"{ten_seconds_ago}-0")
    assert (
        10
        <= collected_samples(collectors.Campaigns())["coupon_oldest_waiting_seconds", "sale"]
        < 60
    )


def test_a_lost_gate_is_told_as_such(open_campaign: CampaignMaker) -> None:
    open_campaign()
    store().client.delete(keys.campaign_keys("sale").gate)
    now = collected_samples(collectors.Campaigns())
    assert now["coupon_closed_for_repair", "sale"] == 1
    assert ("coupon_remaining", "sale") not in now  # not 0: unknown


def test_campaigns_where_nothing_happens_are_counted_and_not_shown(
    open_campaign: CampaignMaker,
) -> None:
    now = timezone.now()
    open_campaign("today")
    for days in (1, 30):
        opens = now + timedelta(days=days)
        open_campaign(f"in-{days}", opens_at=opens, closes_at=opens + timedelta(hours=1))
    shown = collected_samples(collectors.Campaigns())
    assert {key[1] for key in shown if key[0] == "coupon_stock"} == {"today"}
    assert (shown["coupon_campaigns_installed",], shown["coupon_campaigns_not_exported",]) == (3, 2)


def test_only_so_many_are_shown_and_those_in_need_come_first(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collectors, "MOST_SHOWN", 2)
    for number, minutes in enumerate((50, 1, 40)):
        opened = timezone.now() - timedelta(minutes=minutes)
        open_campaign(f"sale-{number}", opens_at=opened, per_user=1)
    store().client.xadd(keys.campaign_keys("sale-0").parked, {"reason": "rejected"})
    shown = collected_samples(collectors.Campaigns())
    assert {key[1] for key in shown if key[0] == "coupon_stock"} == {"sale-0", "sale-1"}


def test_without_redis_only_that_is_told(redis_away: Any) -> None:
    redis_away()
    assert collected_samples(collectors.Campaigns()) == {("coupon_redis_up",): 0}


def test_the_database_tells_its_connections(transactional_db: None) -> None:
    now = collected_samples(collectors.Database())
    assert now["coupon_database_up",] == 1
    if connection.vendor == "mysql":
        assert 1 <= now["coupon_database_connections",] <= now["coupon_database_connections_max",]


def test_without_mysql_only_that_is_told(mysql_away: Any) -> None:
    mysql_away()
    assert collected_samples(collectors.Database()) == {("coupon_database_up",): 0}
