"""Database errors are classified: unavailable (503, try again), this row is impossible (parked),
and all others, which are faults of ours and are reported as such."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
)

from coupons.database import availability, clock, error_codes
from coupons.errors import DatabaseAway
from coupons.observability import metrics
from coupons.runtime import runtime
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

NOT_NOW = [
    3, 1021, 1040, 1042, 1043, 1053, 1077, 1114, 1129, 1158, 1159, 1160, 1161, 1203, 1205, 1213,
    1290, 1317, 1836, 1969, 2002, 2003, 2006, 2013, 2055, 3024,
]  # fmt: skip
OURS = [1054, 1064, 1146, 1142, 1305, 1364, 1366, 2027, 9999]


def raise_in_guard(error: Exception) -> None:
    with availability.require_database():
        raise error


@pytest.mark.parametrize("number", NOT_NOW)
def test_not_now_is_away(number: int) -> None:
    with pytest.raises(DatabaseAway):
        raise_in_guard(OperationalError(number, "…"))


@pytest.mark.parametrize(
    "error",
    [
        InterfaceError(0, ""),
        InterfaceError("connection already closed"),
        InternalError(3, "Error writing file (Errcode: 28 No space left on device)"),
        OperationalError("database is locked"),
        OperationalError("database or disk is full"),
        OperationalError("attempt to write a readonly database"),
    ],
    ids=str,
)
def test_so_are_a_dead_connection_and_a_full_disk(error: Exception) -> None:
    with pytest.raises(DatabaseAway):
        raise_in_guard(error)


@pytest.mark.parametrize("number", OURS)
def test_a_fault_of_ours_is_not_dressed_up(number: int) -> None:
    with pytest.raises(OperationalError):
        raise_in_guard(OperationalError(number, "…"))


@pytest.mark.parametrize(
    "error",
    [
        ProgrammingError(1146, "Table doesn't exist"),
        OperationalError("no such column: stock"),
        OperationalError("no such table: coupons_coupon"),
        OperationalError(),
        ValueError("2006"),
    ],
    ids=repr,
)
def test_nor_is_anything_else(error: Exception) -> None:
    with pytest.raises(type(error)):
        raise_in_guard(error)


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (IntegrityError(1062, "Duplicate entry"), True),
        (DataError(1406, "Data too long"), True),
        (OperationalError(1366, "Incorrect string value"), True),
        (OperationalError(1644, "Said by a trigger"), True),
        (OperationalError(1213, "Deadlock"), False),
        (OperationalError(1054, "Unknown column"), False),
        (OperationalError("database is locked"), False),
    ],
    ids=str,
)
def test_a_row_that_is_refused_is_told_from_a_statement_that_fails(
    error: Exception, row: bool
) -> None:
    assert error_codes.refuses_row(error) is row


def test_a_missing_column_is_a_500_and_not_a_promise_to_be_back_soon(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign(strategy="direct")
    error = OperationalError(1054, "Unknown column 'nth'")
    monkeypatch.setattr(clock.NowMs, "as_sql", lambda *_, **__: (_ for _ in ()).throw(error))
    for vendor in ("as_mysql", "as_sqlite"):
        monkeypatch.setattr(clock.NowMs, vendor, clock.NowMs.as_sql)
    jun = Person("jun")
    jun.client.raise_request_exception = False
    problem_of(jun.claims(), 500, "failure")


# The server ends what its client would give up on, and waits for locks no longer than that


def test_a_statement_that_takes_too_long_is_ended_by_the_server(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no server")
    mariadb = connection.cursor().connection.get_server_info().count("MariaDB")
    limit = "max_statement_time" if mariadb else "max_execution_time"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@{limit}, @@innodb_lock_wait_timeout")
        ends, lock_wait = cursor.fetchone()
        assert float(ends) in (9.0, 9000.0)
        assert int(lock_wait) == 5
        cursor.execute(f"SET {limit} = {0.2 if mariadb else 200}")
    began = time.monotonic()
    slow = (
        "SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, "
        "information_schema.columns c"
    )
    with pytest.raises(DatabaseAway, match=r"1969|3024"), availability.require_database():
        connection.cursor().execute(slow)
    assert time.monotonic() - began < 8  # of nine, without the limit of this session


# A database that accepts queries and never answers


class SilentServer:
    """A port that accepts connections and never answers."""

    def __init__(self, listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
        self._listener = listener
        self._monkeypatch = monkeypatch

    def takes_the_place_of_mysql(self) -> None:
        connection.close()
        port = self._listener.getsockname()[1]
        self._monkeypatch.setitem(connection.settings_dict, "PORT", port)
        options = connection.settings_dict["OPTIONS"] | {"connect_timeout": 1}
        self._monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)

    def was_connected_to(self) -> int:
        """How many connections wait on the listener, at most the length of its queue."""
        self._listener.setblocking(False)
        times = 0
        with suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                times += 1
        return times


@pytest.fixture
def silent_mysql(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentServer]:
    if connection.vendor != "mysql":
        pytest.skip("a file is never silent")
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield SilentServer(listener, monkeypatch)
        monkeypatch.undo()
        connection.close()


def direct_claim(user: str) -> int:
    try:
        status: int = Person(user).claims("small").status_code
        return status
    finally:
        connection.close()


def test_a_silent_database_leaves_threads_for_those_who_need_none(
    open_campaign: CampaignMaker, silent_mysql: SilentServer, settings: Any
) -> None:
    """Sixteen threads, many claims of a direct campaign, and a queued one beside it. Counted, not
    timed: each who tries the database holds a thread for a second."""
    settings.DATABASE_MOST_AT_ONCE = 12
    runtime.start_fresh()
    open_campaign("small", strategy="direct")
    open_campaign(stock=1000)
    Person("jun").claims("small"), Person("jun").claims()
    silent_mysql.takes_the_place_of_mysql()
    with ThreadPoolExecutor(16) as threads:
        stuck = [threads.submit(direct_claim, f"user-{n}") for n in range(120)]
        served = [threads.submit(Person(f"user-{n}").claims) for n in range(20)]
        assert {answer.result().status_code for answer in served} == {202}
    assert {answer.result() for answer in stuck} == {503}
    assert silent_mysql.was_connected_to() < 30, "those who were there first, and some who try"


def test_no_more_threads_than_said_are_in_the_database_at_once(settings: Any) -> None:
    settings.DATABASE_MOST_AT_ONCE = 2
    runtime.start_fresh()
    entered, leave = threading.Semaphore(0), threading.Event()

    def enter_and_stay() -> None:
        with availability.require_database():
            entered.release()
            leave.wait(60)

    try:
        with ThreadPoolExecutor(2) as threads:
            both = [threads.submit(enter_and_stay) for _ in range(2)]
            for _ in both:
                entered.acquire()
            refused = metrics.DATABASE_CALLS_REFUSED._value.get()
            with pytest.raises(DatabaseAway), availability.require_database():
                pytest.fail("a third came in")
            assert metrics.DATABASE_CALLS_REFUSED._value.get() == refused + 1
            leave.set()
        with availability.require_database():
            pass
    finally:
        runtime.start_fresh()


def test_a_deadlock_is_no_silence() -> None:
    for _ in range(10):
        with pytest.raises(DatabaseAway):
            raise_in_guard(OperationalError(1213, "Deadlock found"))
    assert not availability.breaker().open


def test_three_lost_connections_are() -> None:
    for _ in range(3):
        with pytest.raises(DatabaseAway):
            raise_in_guard(OperationalError(2013, "Lost connection"))
    assert availability.breaker().open
    with pytest.raises(DatabaseAway, match="breaker is open"):
        raise_in_guard(OperationalError(1054, "never reached"))
