"""The disk of the database is full: a real server with its data on a small disk.

MariaDB ends (a rollback without space is fatal) and can't start before there is space again, MySQL
refuses rows. The product treats both as a database that is away.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coupons import store
from tests.crash.actors import Cast
from tests.crash.programs import DATABASES
from tests.crash.test_database_away import BEGIN, SETUP, run_django
from tests.harness import servers

STOCK, EARLY = 5_000, 500
DISK = "384m"  # a little more than a new server needs

# Each in its own process, as in a web process and a worker.
CLAIM = f"""{SETUP}
import json
from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.claims.values import Claim
sale = lookup.find_snapshot("sale")
users = [f"user-{{{{n}}}}" for n in range({{start}}, {{end}})]
print(json.dumps({{{{user: strategies.admit(sale, Claim(user)).place for user in users}}}}))
"""
DRAIN = f"""{SETUP}
import json
from prometheus_client import REGISTRY
from coupons.issuing.drain import drain
from coupons.errors import DatabaseAway
try:
    said = drain("sale", consumer="one").left and "left"
except DatabaseAway as away:
    said = str(away)
print(json.dumps({{"why": said, "waits": REGISTRY.get_sample_value("coupon_drain_waits_total")}}))
"""
STORED = f"""{SETUP}
import json
from coupons.models import Coupon
print(json.dumps(dict(Coupon.objects.values_list("user", "place"))))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The data folder of the database of an actor in `tmp_path`."""
    home = tmp_path / "database"
    home.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={DISK}", "coupons-test", str(home)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("no disk can be made here: that takes root, and the right to mount")
    yield home
    subprocess.run(
        ["umount", "--lazy", str(home)], check=True
    )  # a killed server may still have it open


def fill_disk(disk: Path) -> Path:
    """To the last block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        while True:
            full.write(bytes(4096))
    return filler


def claim_range(environment: dict[str, str], start: int, end: int) -> dict[str, int]:
    return dict(json.loads(run_django(environment, CLAIM.format(start=start, end=end))))


def drain_process(environment: dict[str, str]) -> dict[str, str | float]:
    return dict(json.loads(run_django(environment, DRAIN)))


@pytest.mark.long
@pytest.mark.parametrize("kind", DATABASES)
def test_while_the_disk_of_the_database_is_full_all_are_admitted_and_stored_when_there_is_room(
    small_disk: Path, kind: str
) -> None:
    if kind == "mysql9" and "MYSQL9_SCRIPT" not in os.environ:
        pytest.skip("no MySQL 9 at hand: MYSQL9_SCRIPT names a script that starts one")
    port = servers.free_port()
    environment = os.environ | {
        "DATABASE_URL": DATABASES[kind].url(port), "DRAIN_TAKE_OVER_MS": "1",
        "DRAIN_PATIENCE_S": "3",
    }  # fmt: skip
    with Cast([DATABASES[kind].start(small_disk.parent, port)]) as cast:
        cast.await_ready("database", patience_s=120)
        run_django(environment, BEGIN.replace("stock=40", f"stock={STOCK}"))
        told = claim_range(environment, 0, EARLY)
        assert drain_process(environment)["why"] is False
        filler = fill_disk(small_disk)
        told |= claim_range(environment, EARLY, STOCK)
        assert sorted(told.values()) == list(range(1, STOCK + 1))
        drain_process(environment)  # the first one may spend its whole timeout on it
        full = _server_says_why(environment)
        assert float(full["waits"]) >= 1
        gate = store.store().campaigns.gate("sale")
        assert gate.waiting > 0
        assert gate.parked == 0
        filler.unlink()
        _until_all_is_stored(environment)
        assert json.loads(run_django(environment, STORED)) == told
    assert store.store().campaigns.gate("sale").waiting == 0


def _server_says_why(environment: dict[str, str]) -> dict[str, str | float]:
    """Drain until the server itself refuses: the breaker, opened by a timeout, may refuse first."""
    deadline = time.monotonic() + 240
    while True:
        full = drain_process(environment)
        assert full["why"] not in (False, "left"), "stored, without room"
        if str(full["why"]).startswith("Database: ("):
            return full
        assert time.monotonic() < deadline, full


def _until_all_is_stored(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + 300  # a server retries once a minute
    while (why := drain_process(environment)["why"]) is not False:
        assert time.monotonic() < deadline, why
