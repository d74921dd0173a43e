"""What we ask of any SQL database beside rows: its clock, and its absence told from answers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.db import DataError, Error, IntegrityError, InterfaceError, connection
from django.db.models import BigIntegerField, Func

from coupons import metrics
from coupons.breaker import Breaker
from coupons.errors import DatabaseAway

# By number, what MySQL and MariaDB say when they can't now and may well later. Everything else (an
# unknown column, a value of a wrong kind) would be the same the next time: a fault of ours, which
# must be heard as one.
_AWAY = frozenset({
    1205, 1213,  # another transaction was in the way
    3, 28, 1021, 1026, 1030, 1114,  # the disk is full, or ill
    1037, 1038, 1041, 1135,  # out of memory, or of threads
    1040, 1203, 1226,  # too many connections, of all or of ours
    1042, 1043, 1047, 1129, 1130,  # the handshake failed, or we are locked out for too many errors
    1044, 1045, 1049, 1698,  # no entry: credentials are being rotated, a restore is under way
    1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927,  # shut down, or cut off
    1180, 1181, 1598, 1784, 1785,  # the transaction, or its binary log, could not be completed
    1290, 1792, 1836,  # read-only: we still speak to a former primary
    1317, 1907, 1969, 3024, 4031,  # the statement, or the idle connection, was ended for its age
    2000, 2001, 2002, 2003, 2004, 2005, 2006, 2012, 2013, 2026, 2055,  # no connection, or lost
    3100, 3101, 3168, 3169,  # a replica or a plug-in refused the commit; the session was killed
})  # fmt: skip
# Of those, what one transaction does to others: a lock that is held for long, a statement that
# waited too long for it. The server is well.
_IN_THE_WAY = frozenset({1205, 1213, 1317, 1969, 3024, 3572})
# Of these the row itself is the reason, though the driver calls them operational.
_ROW = frozenset({1265, 1292, 1366, 1406, 1411, 1644})
# SQLite has words only.
_SQLITE_AWAY = (
    "database is locked", "database table is locked", "unable to open database file",
    "disk i/o error", "database or disk is full", "readonly database",
)  # fmt: skip


_NOW_MS = {
    "mysql": "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
}


class NowMs(Func):
    """The database's clock at the moment of evaluation, in milliseconds since the Unix epoch."""

    output_field = BigIntegerField()

    def as_mysql(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return _NOW_MS["mysql"], ()

    def as_sqlite(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return _NOW_MS["sqlite"], ()


# Of these, the ones that say nobody answered.
_SILENT = frozenset({2002, 2003, 2004, 2005, 2006, 2012, 2013, 2055})

# The shortest of the driver's timeouts is 3 s: with this an outage of MySQL holds few threads, and
# none for long.
breaker = Breaker(metrics.Breaker.MYSQL, slow_s=0.5)


@contextmanager
def answering() -> Iterator[None]:
    """Turn a database's "not now" into DatabaseAway; whatever was in a transaction is undone.

    While the breaker is open, and while too many threads of this process wait for the database,
    DatabaseAway comes at once: a claim that needs no database shall find a thread.
    """
    if connection.in_atomic_block:  # a part of what was let in already
        with _translated():
            yield
        return
    with _room():
        began = time.monotonic()
        try:
            with _translated():
                yield
        except DatabaseAway as away:
            if is_silent(away.__cause__):
                breaker.failed(after_s=time.monotonic() - began)
            raise
        breaker.succeeded()


@contextmanager
def _room() -> Iterator[None]:
    if breaker.open and not breaker.may_try():
        raise DatabaseAway("Database: silent a moment ago, so it is given a rest.")
    places = _places()
    if not places.acquire(timeout=_ROOM_S):
        metrics.DATABASE_NO_ROOM.inc()
        raise DatabaseAway("Database: too many of this process wait for it already.")
    try:
        yield
    finally:
        places.release()


_ROOM_S = 0.2  # a thread that waits here serves nobody else


@cache
def _places() -> BoundedSemaphore:
    return BoundedSemaphore(settings.DATABASE_MOST_AT_ONCE)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Error as error:
        if not is_away(error):
            raise
        if not connection.in_atomic_block:
            connection.close()  # the next use opens a fresh one
        raise DatabaseAway(f"Database: {error}") from error


def is_silent(error: BaseException | None) -> bool:
    """Whether nobody answered: refused, cut off, or no word in time."""
    return bool(error and error.args and error.args[0] in _SILENT)


def is_in_the_way(away: DatabaseAway) -> bool:
    """Whether rows were locked by another transaction; other rows may well be free."""
    error = away.__cause__
    return bool(error and error.args and error.args[0] in _IN_THE_WAY)


def is_away(error: BaseException) -> bool:
    """Whether the same statement may well succeed later, without anybody changing our code."""
    said = error.args[0] if error.args else ""
    if isinstance(error, InterfaceError) or said in _AWAY:
        return True
    return isinstance(said, str) and any(words in said.lower() for words in _SQLITE_AWAY)


def lacks_tables(error: BaseException) -> bool:
    """Whether a table or a column is not there: migrations were not run."""
    said = error.args[0] if error.args else ""
    return said in (1054, 1146) or str(said).startswith(("no such table", "no such column"))


def refuses_row(error: BaseException) -> bool:
    """Whether a row of the statement is what the database doesn't take."""
    if isinstance(error, IntegrityError | DataError):
        return True
    return bool(error.args) and error.args[0] in _ROW


def now_ms() -> int:
    """The database's clock, in milliseconds since the Unix epoch. Raises DatabaseAway."""
    with answering(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {_NOW_MS[connection.vendor]}")
        return int(cursor.fetchone()[0])


def connections() -> tuple[int, int]:
    """How many are open at the server and how many it bears; (0, 0) where there is no server.

    On a connection of its own, closed again: this is asked by threads that ask nothing else.
    """
    try:
        with answering(), connection.cursor() as cursor:
            if connection.vendor != "mysql":
                cursor.execute("SELECT 1")
                return 0, 0
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
            used = int(cursor.fetchone()[1])
            cursor.execute("SELECT @@max_connections")
            return used, int(cursor.fetchone()[0])
    finally:
        connection.close()
