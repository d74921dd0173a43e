"""Asking the SQL database: its absence told from its answers, and a bound on who waits for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings
from django.db import Error, connection

from coupons.database.error_codes import is_away, is_silent
from coupons.errors import DatabaseAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import Breaker

# The shortest of the driver's timeouts is 3 s: with this an outage of MySQL holds few threads, and
# none for long.
breaker = Breaker(metrics.Breaker.MYSQL, slow_s=0.5)


@contextmanager
def require_database() -> Iterator[None]:
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


def connection_counts() -> tuple[int, int]:
    """How many are open at the server and how many it bears; (0, 0) where there is no server.

    On a connection of its own, closed again: this is asked by threads that ask nothing else.
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
