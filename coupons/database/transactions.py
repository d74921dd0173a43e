"""One transaction for a change that locks rows: run once more after a deadlock, `Busy` if the rows
stay locked."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

from coupons.database import availability
from coupons.errors import Busy, DatabaseAway

_LOCK_WAIT, _DEADLOCK = 1205, 1213
_LOCKED = "Another request is changing the same coupon."
T = TypeVar("T")


def run_transaction(work: Callable[[], T]) -> T:
    """Run `work` in one transaction and return its result; within the caller's, if there is one.

    After a deadlock it runs once more: the database has rolled everything back, so `work` must have
    no other effect than on its rows. Raises Busy, DatabaseAway, and what `work` raises.
    """
    if connection.in_atomic_block:
        return _run_within(work)
    try:
        return _run_once(work)
    except DatabaseAway as away:
        if _error_number(away) == _DEADLOCK:
            return _run_once(work)
        raise


def _run_once(work: Callable[[], T]) -> T:
    try:
        with availability.require_database(), transaction.atomic():
            return work()
    except DatabaseAway as away:
        if _error_number(away) == _LOCK_WAIT:
            raise Busy(_LOCKED) from away
        raise


def _run_within(work: Callable[[], T]) -> T:
    """As a part of the caller's transaction, which rolls back by the exception."""
    try:
        return work()
    except OperationalError as error:
        if error.args and error.args[0] == _LOCK_WAIT:
            raise Busy(_LOCKED) from error
        raise


def _error_number(away: DatabaseAway) -> int:
    cause = away.__cause__
    number = cause.args[0] if cause and cause.args else 0
    return number if isinstance(number, int) else 0
