"""Exhausted resources: the disk of Redis' file, the database's connections; a claim repeated
100,000 times."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from django.db import connection

from coupons import store
from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.database import availability
from coupons.errors import DatabaseAway, StoreAway
from coupons.issuing.drain import drain
from coupons.models import Coupon
from tests.conftest import CampaignMaker, Settings
from tests.harness import servers
from tests.harness.store_override import forget_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=4m", "coupons-test", str(folder)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("no disk can be made here: that takes root, and the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def admit_until_full(campaign: CampaignSnapshot, numbers: range) -> dict[int, int]:
    """Places by user, until Redis refuses."""
    told = {}
    for number in numbers:
        try:
            told[number] = strategies.admit(campaign, Claim(f"user-{number}")).place
        except StoreAway:
            break
    return told


def test_while_the_disk_of_redis_is_full_nothing_is_admitted_and_nothing_is_lost(
    small_disk: Path, settings: Settings, open_campaign: CampaignMaker
) -> None:
    lasting = ("--appendonly", "yes", "--appendfsync", "everysec")
    with servers.start_redis(small_disk, extra=lasting) as url:
        settings.REDIS_URL = url
        settings.REDIS_TIMEOUT_S = 10  # who is told nothing may have a place all the same
        forget_store()
        campaign = open_campaign(stock=60_000)
        told = admit_until_full(campaign, range(10))
        filler = small_disk / "filler"
        with filler.open("wb") as full, pytest.raises(OSError, match="No space"):
            while True:
                full.write(bytes(64 * 1024))
                full.flush()
        told |= admit_until_full(campaign, range(10, 60_000))
        refused = len(told)
        assert refused < 60_000
        with pytest.raises(StoreAway):
            strategies.admit(campaign, Claim("late"))
        filler.unlink()
        told |= _admit_when_possible(campaign, refused)
        told |= admit_until_full(campaign, range(refused + 1, refused + 10))
        assert list(told.values()) == list(range(1, len(told) + 1))
        drain("sale", consumer="one")
        stored = dict(Coupon.objects.values_list("place", "user"))
        assert stored == {place: f"user-{number}" for number, place in told.items()}
    forget_store()
    lookup.clear_snapshots()


def _admit_when_possible(campaign: CampaignSnapshot, number: int) -> dict[int, int]:
    """Redis retries its file once a second."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        told = admit_until_full(campaign, range(number, number + 1))
        if told:
            return told
        time.sleep(0.1)
    raise AssertionError("Redis did not come back.")


@pytest.fixture
def few_connections() -> Iterator[None]:
    """An account that may open five connections, so that other tests on the server keep theirs.

    MySQL 9 has no such account: its tests run one at a time, and all of its connections are taken.
    """
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no connections to run out of")
    before = connection.settings_dict["USER"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone()
    if "MariaDB" in version:
        connection.close()
        connection.settings_dict["USER"] = servers.FEW_CONNECTIONS
    yield
    connection.close()
    connection.settings_dict["USER"] = before


@pytest.mark.stores
def test_a_database_without_a_free_connection_is_away_and_comes_back(
    open_campaign: CampaignMaker, few_connections: None
) -> None:
    campaign = open_campaign()
    connections: list[Any] = []
    connection.ensure_connection()
    try:
        _take_all(connections)
        assert strategies.admit(campaign, Claim("mina")).place == 1  # needs no database
        assert _in_a_new_session() is DatabaseAway
    finally:
        for each in connections:
            each.close()
    assert _once_there_is_room() == 0
    assert drain("sale", consumer="one").stored == 1


def _take_all(connections: list[Any]) -> None:
    """Open sessions until the server refuses: too many of all (1040), or of the account (1226)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_connections")
        (most,) = cursor.fetchone()
    params = connection.get_connection_params()
    login = {name: params[name] for name in ("user", "password", "database", "host", "port")}
    with pytest.raises(MySQLdb.OperationalError, match=r"1040|1226"):
        while len(connections) <= most:
            connections.append(MySQLdb.connect(**login))


def _once_there_is_room() -> Any:
    """Retry: the server may still be closing the ended sessions."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        availability.breaker().succeeded()  # instead of waiting until it closes
        outcome = _in_a_new_session()
        if outcome is not DatabaseAway:
            return outcome
        time.sleep(0.1)
    raise AssertionError("The database did not come back.")


def _in_a_new_session() -> Any:
    """Coupons, counted in a thread that has no connection yet; or the failure."""

    def count() -> Any:
        try:
            with availability.require_database():
                return Coupon.objects.count()
        except DatabaseAway:
            return DatabaseAway
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(count).result()


@pytest.mark.long
def test_a_hundred_thousand_times_the_same_claim_is_one_claim(
    settings: Settings, open_campaign: CampaignMaker
) -> None:
    settings.REDIS_TIMEOUT_S = 10  # the answer is tested, not its latency
    forget_store()
    campaign = open_campaign(stock=10)

    def ask(_: int) -> tuple[int, int]:
        decision = strategies.admit(campaign, Claim("mina"))
        return decision.place, decision.at_ms

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(100_000)))
    assert len(answers) == 1
    assert store.store().campaigns.gate("sale").admitted == 1
    assert drain("sale", consumer="one").stored == 1
    forget_store()
