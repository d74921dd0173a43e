"""A rehearsal on real processes: green on a right site, and red with the mistake's name on each of
eight wrong ones. All is removed every time."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.db import connection

from coupons.campaigns import lookup
from coupons.errors import StoreFailure
from coupons.models import Rehearsal
from coupons.rehearsal import work
from coupons.store import store
from tests.config.waiting import wait_until
from tests.conftest import Settings
from tests.coupons.rehearsal.conftest import Site, assert_no_trace, reds, row_counts, texts
from tests.crash.test_full import small_disk  # noqa: F401 - a fixture
from tests.harness import servers
from tests.harness.store_override import forget_store
from tests.harness.wrong_clock import WrongClock

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
Hold = Callable[..., Rehearsal]
OtherWeb = Callable[..., str]


@pytest.mark.parametrize("strategy", ["queued", "direct"])
def test_a_right_site_is_green_and_keeps_no_trace(
    rehearse: Hold, open_campaign: object, strategy: str
) -> None:
    rehearsal = rehearse(strategy=strategy)
    assert reds(rehearsal) == [], texts(rehearsal)
    figures = rehearsal.figures
    assert figures["tally"]["outcomes"] == {"admitted": 20, "sold_out": 10}
    assert figures["stored"]["rows"] == figures["tally"]["told"] == 20
    assert figures["stored"]["digest"] == figures["tally"]["digest"]
    assert_no_trace(rehearsal)
    counts = row_counts()
    assert (counts["Coupon"], counts["Slot"], counts["Campaign"]) == (0, 20, 1)


@pytest.fixture
def evicting() -> Iterator[None]:
    store().client.config_set("maxmemory-policy", "allkeys-lru")
    yield
    store().client.config_set("maxmemory-policy", "noeviction")


def test_mistake_1_redis_may_evict_keys(rehearse: Hold, evicting: None) -> None:
    rehearsal = rehearse()
    assert reds(rehearsal) == ["eviction"], texts(rehearsal)
    assert "maxmemory-policy noeviction" in texts(rehearsal)
    assert_no_trace(rehearsal)


def test_mistake_2_the_database_allows_too_few_connections(
    rehearse: Hold, other_web: OtherWeb, site: Site
) -> None:
    """The web process has an account of five connections, and more threads than that."""
    if connection.vendor != "mysql" or "MariaDB" not in _version():
        pytest.skip("only MariaDB's tests have an account with few connections")
    few = site.environment["DATABASE_URL"].replace("coupons:", f"{servers.FEW_CONNECTIONS}:", 1)
    rehearsal = rehearse(strategy="direct", people=300, per_second=2_000, url=other_web(
        DATABASE_URL=few, WEB_THREADS="16",
    ))  # fmt: skip
    assert "answers" in reds(rehearsal), texts(rehearsal)
    assert "max_connections" in texts(rehearsal)
    assert_no_trace(rehearsal)


def _version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return str(cursor.fetchone()[0])


def test_mistake_3_the_database_speaks_another_time_zone(
    rehearse: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site's DATABASE_URL overrides the settings of its sessions."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no sessions with a time zone")
    before = connection.settings_dict["OPTIONS"]["init_command"]
    wrong = before.replace("time_zone='+00:00'", "time_zone='+09:00'")
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "init_command", wrong)
    connection.close()
    rehearsal = rehearse()
    monkeypatch.undo()
    connection.close()
    assert reds(rehearsal) == ["time_zone"], texts(rehearsal)
    assert "+09:00" in texts(rehearsal)
    assert_no_trace(rehearsal)


@pytest.fixture
def stalled_worker(site: Site, impatient: None) -> Iterator[None]:
    parent = psutil.Process(site.worker)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    yield
    for process in family:
        os.kill(process.pid, signal.SIGCONT)


def test_mistake_4_the_worker_is_down(rehearse: Hold, stalled_worker: None) -> None:
    rehearsal = rehearse()
    assert reds(rehearsal) == ["told_stored"], texts(rehearsal)
    assert "coupon-worker" in texts(rehearsal)
    assert_no_trace(rehearsal)


def test_mistake_5_the_site_has_another_token_secret(rehearse: Hold, other_web: OtherWeb) -> None:
    rehearsal = rehearse(url=other_web(JWT_HS256_SECRET="a-secret-of-another-shop-" + "7" * 30))
    assert reds(rehearsal) == ["tokens"], texts(rehearsal)
    assert "JWT_HS256_SECRET" in texts(rehearsal)
    assert_no_trace(rehearsal)


def test_mistake_6_no_token_carries_the_segment(rehearse: Hold) -> None:
    rehearsal = rehearse(audience="VIP", segments=("vip", "new"))
    assert reds(rehearsal) == ["segment"], texts(rehearsal)
    assert "'VIP'" in texts(rehearsal)
    assert "vip, new" in texts(rehearsal)
    assert_no_trace(rehearsal)


def test_with_its_segment_the_same_campaign_is_green(rehearse: Hold) -> None:
    rehearsal = rehearse(audience="VIP", segments=("VIP",))
    assert reds(rehearsal) == [], texts(rehearsal)


def test_mistake_7_the_clock_of_a_host_is_wrong(
    rehearse: Hold, other_web: OtherWeb, tmp_path: Path
) -> None:
    clock = WrongClock(tmp_path, "web")
    clock.shift(-8)
    url = other_web(**clock.env)
    wait_until(lambda: bool(store().processes.clock_reports()))
    rehearsal = rehearse(url=url)
    assert reds(rehearsal) == ["host_clocks"], texts(rehearsal)
    assert "NTP" in texts(rehearsal)
    assert_no_trace(rehearsal)


def fill_disk(filler: Path) -> None:
    with filler.open("wb") as full, pytest.raises(OSError, match="No space"):
        while True:
            full.write(bytes(64 * 1024))
            full.flush()


def test_mistake_8_the_disk_of_redis_is_full(
    rehearse: Hold,
    other_web: OtherWeb,
    small_disk: Path,  # noqa: F811 - the fixture
    settings: Settings,
    impatient: None,
) -> None:
    """Nothing can be removed from a Redis that refuses writes: a worker does it later."""
    filler = small_disk / "filler"
    with servers.start_redis(small_disk, extra=("--appendfsync", "everysec")) as url:
        settings.REDIS_URL, settings.REDIS_TIMEOUT_S = url, 2
        forget_store()
        store().wakeups.mark_canary()
        store().wakeups.mark_sweep()
        web = other_web(REDIS_URL=url)
        with pytest.raises(StoreFailure):
            rehearse(url=web, before=lambda: fill_disk(filler))
        rehearsal = Rehearsal.objects.get()
        assert "persistence" in reds(rehearsal), texts(rehearsal)
        assert "df -h" in texts(rehearsal)
        filler.unlink()
        wait_until(lambda: removed_by_worker(rehearsal))
        rehearsal.refresh_from_db()
        assert_no_trace(rehearsal)
    forget_store()
    lookup.clear_snapshots()


def removed_by_worker(rehearsal: Rehearsal) -> bool:
    """Redis tries its file again once a second."""
    past = rehearsal.started_at - timedelta(minutes=1)  # its lease has ended
    Rehearsal.objects.filter(pk=rehearsal.pk).update(leased_until=past)
    with suppress(StoreFailure):
        work.work_on_rehearsal()
    return not Rehearsal.objects.filter(running=True).exists()
