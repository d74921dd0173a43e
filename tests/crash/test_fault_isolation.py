"""On real processes: a campaign that can't be drained does not delay other campaigns, and a lost
consumer group is created again. One worker with one child, beat, ten campaigns or more."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.celery import app
from config.development.process import commands
from coupons import store
from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import CouponError
from coupons.models import Coupon
from coupons.readiness import board
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import live_gauges
from tests.harness import damaged_keys, servers

pytestmark = pytest.mark.slow

PATIENCE_S = 120


@contextmanager
def worker_and_beat(environment: dict[str, str], folder: Path) -> Iterator[None]:
    env = environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    beat = commands.beat_command("--scheduler", "config.beat.LeasedScheduler")
    with (
        servers.start_program(commands.worker_command(), log=folder / "log", env=env),
        servers.start_program(beat, log=folder / "beat.log", env=env),
    ):
        yield


def wait_until(true: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)
        connection.close()  # a new session reads later commits


def count_stored() -> set[str]:
    return set(Coupon.objects.values_list("campaign__slug", flat=True))


def ask_claim(campaign: CampaignSnapshot, user: str) -> bool:
    try:
        return strategies.admit(campaign, Claim(user)).place > 0
    except CouponError:
        return False


@pytest.mark.parametrize("how", damaged_keys.LOST_GROUP)
def test_12_a1_a_lost_group_is_made_anew_and_nobody_waits_for_it(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    app.control.purge()
    sales = [open_campaign(f"p{number}") for number in range(10)]
    with worker_and_beat(child_environment, tmp_path):
        assert strategies.admit(sales[0], Claim("first")).place == 1
        wait_until(lambda: count_stored() == {"p0"}, count_stored)  # worker and beat have started
        damaged_keys.damage_campaign("p4", how)
        for sale in (sales[4], *(each for each in sales if each is not sales[4])):
            damaged_keys.lose_the_wakeup(sale.slug)
            assert ask_claim(sale, "mina")
        everybody = {sale.slug for sale in sales}
        wait_until(lambda: count_stored() == everybody, lambda: everybody - count_stored())
        for sale in sales:
            assert ask_claim(sale, "jun")
        wait_until(lambda: Coupon.objects.filter(user="jun").count() == 10, count_stored)


def test_12_a1_campaigns_damaged_in_every_way_keep_nine_others_from_nothing(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    app.control.purge()
    ill = {how: open_campaign(f"a{number}") for number, how in enumerate(damaged_keys.ALL)}
    well = [open_campaign(f"p{number}") for number in range(9)]
    for how, sale in ill.items():
        ask_claim(sale, "early")
        damaged_keys.damage_campaign(sale.slug, how)
        lookup.clear_snapshots()
        damaged_keys.lose_the_wakeup(sale.slug) if "bell" not in how else None
        ask_claim(sale, "mina")
    with worker_and_beat(child_environment, tmp_path):
        for number, sale in enumerate(well):
            damaged_keys.lose_the_wakeup(sale.slug)
            for user in range(number + 1):
                assert ask_claim(sale, f"user-{user}")
        claims = sum(range(1, 10))
        healthy = Coupon.objects.filter(campaign__slug__startswith="p")
        wait_until(lambda: healthy.count() == claims, count_stored)
        for sale in well:
            damaged_keys.lose_the_wakeup(sale.slug)
            assert ask_claim(sale, "late")
        wait_until(lambda: healthy.filter(user="late").count() == len(well), count_stored)
        wait_until(
            lambda: told_of(ill, damaged_keys.WRONG_TYPE), lambda: (tmp_path / "log").read_text()
        )


def told_of(ill: dict[str, CampaignSnapshot], shown: Iterable[str]) -> bool:
    """Whether board and gauges show them all, except a wake-up flag, which the sweep has
    replaced."""
    slugs = {ill[how].slug for how in shown if "bell" not in how}
    gauges = live_gauges()["coupon_damaged_keys"]
    red = {
        slug for slug in slugs if "keys" in {line.name for line in board.readiness_board(slug).reds}
    }
    return red == slugs and all(gauges[slug] for slug in slugs)


def count_deliveries(slug: str) -> int:
    """How often the oldest claim that a drain holds was read by one."""
    redis: Any = store.store().client
    queue = keys.campaign_keys(slug).queue
    pending = redis.xpending_range(queue, keys.GROUP, min="-", max="+", count=1)
    return pending[0]["times_delivered"] if pending else 0


def test_12_21_a_failing_drain_is_logged_with_its_slug_and_told_while_it_fails(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    app.control.purge()
    ill, well = open_campaign("ill"), open_campaign("well")
    damaged_keys.damage_campaign("ill", "parked is a string")
    store.store().client.xadd(keys.campaign_keys("ill").queue, {"no": "claim"})
    log = tmp_path / "log"
    with worker_and_beat(child_environment, tmp_path):
        assert ask_claim(ill, "mina")
        assert ask_claim(well, "mina")
        wait_until(lambda: count_stored() == {"ill", "well"}, count_stored)
        wait_until(lambda: count_deliveries("ill") > 1, log.read_text)
        assert log.read_text().count("a claim of ill can't be parked") == 1, "once, too"
        assert log.read_text().count("drain of campaign ill failed") == 1, "once while it goes on"
        assert live_gauges()["coupon_drain_failed"] == {"ill": 1, "well": 0}
        assert "drain" in {line.name for line in board.readiness_board("ill").reds}
        store.store().client.delete(keys.campaign_keys("ill").parked)
        wait_until(lambda: live_gauges()["coupon_drain_failed"]["ill"] == 0, log.read_text)
    assert store.store().campaigns.gate("ill").parked == 1
    assert "drain of campaign well" not in log.read_text()
