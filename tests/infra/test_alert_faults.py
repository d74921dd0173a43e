"""12.19: each alert is heard by the fault that it names, on real processes and a real Prometheus
with the rules as they are deployed. (promtool's tests show that they keep quiet otherwise.)"""

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from django.db import connection
from django.utils import timezone

from coupons.store import keys, store
from tests import servers
from tests.clocks import WrongClock
from tests.conftest import CampaignMaker
from tests.infra import exhausted_host, watched_site
from tests.infra.test_dashboards import SCRAPE_S
from tests.infra.test_monitoring import ALERTS
from tests.infra.watched_site import Site

pytestmark = pytest.mark.long


@pytest.fixture
def patience() -> str:
    """WORKER_PATIENCE_S of the site."""
    return "600"


@pytest.fixture
def redis_clock(tmp_path: Path) -> WrongClock:
    """Of the deciding Redis alone."""
    return WrongClock(tmp_path, "redis-clock")


def _redis_on(clock: WrongClock, folder: Path) -> str:
    """A program that is Redis with this clock."""
    program = folder / "redis-on-its-clock"
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in clock.env.items())
    program.write_text(f'#!/bin/sh\nexec env {given} redis-server "$@"\n')
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def site(
    child_environment: dict[str, str],
    patience: str,
    redis_clock: WrongClock,
    settings: Any,
    tmp_path: Path,
) -> Iterator[Site]:
    """This process makes campaigns in it, past the cables."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no connections to be counted")
    given = child_environment | {
        "WORKER_PATIENCE_S": patience,
        "HOLD_BACK_S": "600",
        "REDIS_TIMEOUT_S": "2",
    }
    with servers.redis(tmp_path / "redis", program=_redis_on(redis_clock, tmp_path)) as url:
        settings.REDIS_URL = url
        store.cache_clear()
        with watched_site.running(given, tmp_path, url) as running:
            yield running
    store.cache_clear()


def test_12_19_a_dead_beat_is_heard_and_so_is_a_worker_that_stands_still(
    site: Site, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    with site.frozen("beat"):
        site.hears("CanaryLost", "NobodySweeps")
        site.keeps_quiet_about("WorkerStill")
    with site.frozen("worker"):
        assert site.claims("mina") == 202
        site.hears("WorkerStill", "ClaimsWaitTooLong")


def test_12_19_what_is_wrong_with_a_campaign_is_heard(
    site: Site, open_campaign: CampaignMaker
) -> None:
    for slug in ("damaged", "parked", "lost"):
        open_campaign(slug)
    ahead = timezone.now() + timedelta(minutes=5)
    open_campaign("ahead", opens_at=ahead, closes_at=ahead + timedelta(hours=1))
    with site.frozen("worker"):
        assert site.claims("mina", "damaged") == 202
        site.redis.delete(keys.campaign_keys("damaged").queue)
        site.redis.set(keys.campaign_keys("damaged").queue, "?")
        site.redis.hincrby(keys.campaign_keys("lost").gate, "next", 1)  # a place that nobody holds
        site.redis.xadd(keys.campaign_keys("parked").queue, {"u": b"\xff"})
        site.redis.hset(keys.campaign_keys("ahead").gate, "longest", 1)  # not what MySQL has
    site.hears(
        "CampaignDamaged", "CampaignNotDrained", "CampaignWorkFails", "ClaimsParked", "GapsFound",
        "BoardRed", "OpeningHeldBack",
    )  # fmt: skip


def test_12_19_a_campaign_that_redis_lost_is_heard(
    site: Site, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    with site.frozen("worker"):  # or it is mended within seconds
        site.redis.delete(keys.campaign_keys("sale").gate)
        site.hears("ClosedForRepair")


def test_12_19_servers_that_are_away_are_heard(site: Site, open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    with Away(site, "broker"), site.crowd():
        site.hears("BellsLost")
    with Away(site, "database"):
        site.hears("DatabaseAway", "TasksFail")
    with Away(site, "redis"), site.crowd():
        site.hears("RedisAway", "DependencyRests", "ServerErrors")


class Away:
    """New connections are refused and old ones cut."""

    def __init__(self, site: Site, name: str) -> None:
        self._cable = site.cables[name]

    def __enter__(self) -> None:
        self._cable.refuses.set()
        self._cable.cut()

    def __exit__(self, *_: object) -> None:
        self._cable.refuses.clear()


def test_12_19_a_redis_that_fills_up_evicts_or_forgets_is_heard(site: Site) -> None:
    site.redis.config_set("appendonly", "no")
    site.hears("RedisForgetful")
    site.redis.config_set("maxmemory", int(1.25 * site.redis.info()["used_memory"]))
    site.hears("RedisFillsUp")
    site.redis.config_set("maxmemory-policy", "allkeys-lru")
    for number in range(40):
        site.redis.set(f"filler-{number}", b"?" * 100_000)
    site.hears("RedisEvicts")
    with ExitStack() as stack:
        _crowd_the_database(stack)
        site.hears("DatabaseConnectionsRunOut")


def _crowd_the_database(stack: ExitStack) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_connections")
        (most,) = cursor.fetchone()
    given = connection.settings_dict
    for _ in range(int(0.85 * most)):
        session = MySQLdb.connect(
            host=given["HOST"],
            port=int(given["PORT"]),
            user=given["USER"],
            passwd=given["PASSWORD"],
        )
        stack.callback(session.close)


def test_12_19_clocks_that_are_off_are_heard(site: Site) -> None:
    """Of all our programs, against Redis'."""
    site.clock.shift(8)
    site.hears("HostClockOff", "RedisClockOff")


def test_12_19_one_error_that_nobody_foresaw_is_heard(
    site: Site, open_campaign: CampaignMaker
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RENAME TABLE coupons_campaign TO coupons_elsewhere")
    try:
        assert site.asks("GET", "/api/v1/campaigns/sale", user="mina") == 500
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RENAME TABLE coupons_elsewhere TO coupons_campaign")
    site.hears("UnforeseenErrors")


def test_12_19_programs_that_do_not_answer_are_heard(site: Site) -> None:
    with site.frozen("web", "consumer"):
        site.hears("WebGone", "ConsumerGone")


def test_12_19_claims_that_redis_delays_are_heard(site: Site, open_campaign: CampaignMaker) -> None:
    open_campaign("sale", stock=100)
    for number in range(3):
        site.claims(f"quick-{number}")
    time.sleep(2 * SCRAPE_S)
    for number in range(3):
        site.redis.client_pause(700)
        site.claims(f"slow-{number}")
    site.hears("AdmissionSlow")


@pytest.mark.parametrize("patience", ["8"])
def test_12_19_a_worker_that_had_to_be_ended_is_heard(site: Site) -> None:
    with site.frozen("worker"):
        site.hears("WorkersStall")


def test_12_19_guesses_of_a_password_are_heard(site: Site) -> None:
    answers = [site.guesses("mina") for _ in range(40)]
    assert answers[-1] == 429
    site.hears("PasswordsGuessed")


def test_12_19_people_who_are_turned_away_are_heard(
    site: Site, open_campaign: CampaignMaker
) -> None:
    """The web processes stand still; the front keeps as many waiting as there are threads."""
    open_campaign("sale")
    with site.frozen("web"), site.crowd(door="users", people=40):
        site.hears("TurnedAway")


def test_12_19_a_busy_host_is_heard(site: Site, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            busy = ["nice", "-n", "19", sys.executable, "-c", "while True: pass"]
            stack.enter_context(servers.started(busy, log=tmp_path / "busy.log"))
        site.hears("HostBusy", within_s=180)


def test_12_19_a_full_disk_is_heard(site: Site, tmp_path: Path) -> None:
    with exhausted_host.small_disk(tmp_path) as folder:
        room = shutil.disk_usage(folder).free
        (folder / "filler").write_bytes(b"?" * int(0.95 * room))
        site.hears("DiskNearlyFull")


def test_12_19_stores_that_nobody_compares_are_heard(
    site: Site, open_campaign: CampaignMaker, redis_clock: WrongClock
) -> None:
    """Ten minutes without beat, by Redis' clock, which is the one that the alert goes by."""
    open_campaign("sale")
    site.until_reconciled("sale")
    with site.frozen("beat"):
        redis_clock.shift(660)
        site.hears("ReconcileStale")


def test_12_19_memory_that_is_nearly_gone_is_heard(site: Site) -> None:
    with exhausted_host.little_memory_left():
        site.hears("MemoryNearlyGone")


def test_12_19_every_alert_has_its_fault_here() -> None:
    tests, _, _ = Path(__file__).read_text().partition("def test_12_19_every_alert")
    assert ALERTS.keys() <= set(re.findall(r'"([A-Z][A-Za-z]+)"', tests))
