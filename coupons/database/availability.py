"""Availability of the SQL database: circuit breaker, bulkhead (a limit on the threads that wait for
it), and translation of driver errors into DatabaseAway."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings
from django.db import Error, connection

from coupons.database.error_codes import is_away, is_silent
from coupons.errors import DatabaseAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import Breaker
from coupons.runtime import ProcessState


class _Limits:
    """The driver's shortest timeout is 3 s: with the breaker, an outage of MySQL blocks few
    threads, none for long. `slots` are the threads that may use the database at once."""

    def __init__(self) -> None:
        self.breaker = Breaker(
            metrics.Breaker.MYSQL, away=DatabaseAway, is_no_reply=is_silent, slow_s=0.5
        )
        self.slots = BoundedSemaphore(settings.DATABASE_MOST_AT_ONCE)


_limits = ProcessState(_Limits)


def breaker() -> Breaker:
    """The circuit breaker of this process's calls to the database."""
    return _limits.current.breaker


@contextmanager
def require_database() -> Iterator[None]:
    """Around every use of the database. Raises DatabaseAway for errors that may go away by
    themselves (`error_codes.is_away`); a transaction inside is rolled back.

    While the breaker is open, DatabaseAway is raised at once, and after 0.2 s while
    DATABASE_MOST_AT_ONCE threads of this process use the database: threads must stay free for
    claims, which need no database.
    """
    if connection.in_atomic_block:  # nested: counted already
        with _translate_errors():
            yield
        return
    with _translate_errors(), breaker().guard(), _acquire_slot():
        yield


@contextmanager
def _acquire_slot() -> Iterator[None]:
    slots = _limits.current.slots
    if not slots.acquire(timeout=_SLOT_WAIT_S):
        metrics.DATABASE_CALLS_REFUSED.inc()
        raise DatabaseAway("Database: too many of this process wait for it already.")
    try:
        yield
    finally:
        slots.release()


_SLOT_WAIT_S = 0.2  # a waiting thread serves no other request


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except Error as error:
        if not is_away(error):
            raise
        if not connection.in_atomic_block:
            connection.close()  # the next use opens a fresh one
        raise DatabaseAway(f"Database: {error}") from error


def connection_counts() -> tuple[int, int]:
    """(open connections, the server's limit); (0, 0) on SQLite. Raises DatabaseAway.

    Closes this thread's connection afterwards: the calling threads use it for nothing else.
    """
    try:
        with require_database(), connection.cursor() as cursor:
            if connection.vendor != "mysql":
                cursor.execute("SELECT 1")
                return 0, 0
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
            used = int(cursor.fetchone()[1])
            cursor.execute("SELECT @@max_connections")
            return used, int(cursor.fetchone()[0])
    finally:
        connection.close()
