"""What we ask of any SQL database beside rows: its clock, and its absence told from answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import BigIntegerField, Func

from coupons.errors import DatabaseAway

# MySQL's words for "another transaction was in the way": the same work may be tried again at once.
DEADLOCK, LOCK_WAIT = 1213, 1205


class NowMs(Func):
    """The database's clock at the moment of evaluation, in milliseconds since the Unix epoch."""

    output_field = BigIntegerField()

    def as_mysql(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)", ()

    def as_sqlite(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", ()


@contextmanager
def answering() -> Iterator[None]:
    """Turn a driver's "I can't" into DatabaseAway; whatever was in a transaction is undone."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if not connection.in_atomic_block:
            connection.close()  # the next use opens a fresh one
        raise DatabaseAway(f"Database: {error}") from error


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


def collided(error: BaseException | None) -> bool:
    """Whether a deadlock or a lock wait is behind this error."""
    return bool(error and error.args and error.args[0] in (DEADLOCK, LOCK_WAIT))


def moment(ms: int) -> datetime:
    """Milliseconds since the Unix epoch as an aware moment, exact to the millisecond."""
    whole, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000)


@lru_cache(maxsize=4096)  # the claims of a batch share their seconds
def _text_of_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


def text_of(ms: int) -> str:
    """A moment as Django stores it in MySQL and in SQLite: UTC, microseconds."""
    second, rest = divmod(ms, 1000)
    return f"{_text_of_second(second)}.{rest:03d}000"


def iso_of(ms: int) -> str:
    """A moment as the API says it: RFC 3339, in UTC, to the millisecond."""
    second, rest = divmod(ms, 1000)
    return f"{_text_of_second(second).replace(' ', 'T')}.{rest:03d}Z"


def milliseconds(at: datetime) -> int:
    """The inverse of `moment`; finer fractions are cut off."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
