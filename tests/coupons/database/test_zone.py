"""12 A3: every connection to MySQL uses UTC, whatever the server's time zone.

A server in Berlin, in the hour that occurs twice and in the one that is skipped: openings, closings
and stored times are correct.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Error
from django.db import connection

from config.settings.database import from_url
from coupons.monitoring import server_checks
from coupons.readiness.database import time_zone
from coupons.readiness.result import Light
from tests.harness import zoned_database

PROGRAM = Path(__file__).with_name("zone_hour.py")
SETTINGS = "config.settings"
ROOT = Path(__file__).parents[3]
MOMENTS = [
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 02:30 in summer time
    datetime(2026, 10, 25, 0, 59, 58, tzinfo=UTC),  # the clocks go back meanwhile
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # 02:30 again
    datetime(2027, 3, 28, 0, 59, 58, tzinfo=UTC),  # and forward
    datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
    datetime(2027, 3, 28, 2, 30, tzinfo=UTC),  # by name an hour that Berlin never had
]
SLOW = timedelta(minutes=9)  # on a busy machine; a wrong zone is an hour off
RIGHT = {"ahead": 409, "open": 201, "over": 410, "opened": 201}
AN_HOUR_LATE = {"ahead": 201, "open": 410, "over": 410, "opened": 410}
Asked = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.stores


@pytest.fixture(scope="module")
def ask_in_berlin(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[Asked]:
    """Call it with a moment: the product's answers when the server's clock shows it."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no time zone")
    folder = tmp_path_factory.mktemp("berlin")
    with django_db_blocker.unblock():  # it asks the server of the tests what kind it is
        of_tests: Any = connection
        start = (
            zoned_database.start_mariadb
            if of_tests.mysql_is_mariadb
            else zoned_database.start_mysql9
        )
    with zoned_database.in_zone(folder, MOMENTS[0], start) as server:
        _run(server.url, "manage.py", "migrate", "-v0")

        def ask_at(at: datetime, more: str = "") -> dict[str, Any]:
            server.set_clock(at)
            return dict(json.loads(_run(f"{server.url}{more}", str(PROGRAM), at.isoformat())))

        yield ask_at


def _run(url: str, *words: str) -> str:
    given = {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=os.environ | given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("at", MOMENTS, ids=str)
def test_12_a3_what_a_server_in_berlin_decides_and_stores_is_right_in_every_hour(
    ask_in_berlin: Asked, at: datetime
) -> None:
    said = ask_in_berlin(at)
    assert at <= datetime.fromisoformat(said["now"]) <= at + SLOW
    assert said["local_ahead_s"] < 60
    claims = said["claims"]
    statuses = {name: claim["status"] for name, claim in claims.items()}
    assert statuses == RIGHT
    assert {name: claim["state"] for name, claim in claims.items()} == {
        "ahead": "scheduled", "open": "open", "over": "closed", "opened": "open",
    }  # fmt: skip
    for claim in claims.values():
        assert at <= datetime.fromisoformat(claim["server_time"]) <= at + SLOW
        assert claim["row"] == claim["admitted_at"]
    assert said["states"] == {
        "ahead": "scheduled", "open": "open", "over": "closed", "opened": "open",
    }  # fmt: skip
    assert said["stored"] == [
        "2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00",
        "2027-03-28T01:30:00+00:00", "2027-03-28T02:30:00+00:00",
    ]  # fmt: skip
    assert (said["checks"], said["light"]) == ([], Light.GREEN)


def test_12_a3_negative_control_in_the_servers_own_zone_a_local_time_is_an_hour_wrong(
    ask_in_berlin: Asked,
) -> None:
    """A DATABASE_URL that overrides our session settings is reported by the check, whether or not
    the server decides correctly: MariaDB from 11.7 does, since its SYSDATE() is a TIMESTAMP (with
    its offset from UTC), where MySQL's and an older MariaDB's is a local time."""
    bare = "?init_command=SET%20sql_mode%3D'TRADITIONAL'"
    said = ask_in_berlin(MOMENTS[0], bare)
    assert 3600 <= said["local_ahead_s"] < 3660
    statuses = {name: claim["status"] for name, claim in said["claims"].items()}
    late = datetime.fromisoformat(said["now"]) - MOMENTS[0] >= timedelta(hours=1)
    assert statuses == (AN_HOUR_LATE if late else RIGHT)
    assert (said["checks"], said["light"]) == (["coupons.E005"], Light.RED)


@pytest.mark.parametrize("zone", ["SYSTEM", "+09:00", "+01:00"])
@pytest.mark.django_db
def test_12_a3_a_session_in_another_zone_is_an_error_and_a_red_line(zone: str) -> None:
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no time zone")
    assert server_checks.check_mysql_time_zone() == []
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = %s", [zone])
        try:
            (found,) = server_checks.check_mysql_time_zone()
            line = time_zone()
        finally:
            cursor.execute("SET time_zone = '+00:00'")
    assert isinstance(found, Error)
    assert zone in found.msg
    assert found.hint
    assert (line.light, bool(line.do)) == (Light.RED, True)


def test_12_a3_every_url_of_a_mysql_gets_it() -> None:
    for url in ("mysql://a:b@h/c", "mysql://a:b@h/c?ssl_mode=REQUIRED"):
        assert "time_zone='+00:00'" in from_url(url)["OPTIONS"]["init_command"]
