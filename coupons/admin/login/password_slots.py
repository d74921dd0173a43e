"""Limit of concurrent password checks per process: two. Each takes half a second of CPU, which
claims on the same host need as well.

One of the two is reserved for known browsers. All others share the other, and only a few of them
may wait for it: each waiting request occupies a thread that the operators' pages need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from coupons.runtime import ProcessState

AT_ONCE, STRANGERS_AT_ONCE = 2, 1
STRANGERS_IN_LINE, _KNOWN_IN_LINE = 4, 6  # most waiting, including those being checked
_STRANGERS_WAIT_S, _KNOWN_WAIT_S = 2.0, 5.0


class _Slots:
    def __init__(self) -> None:
        self.checks = BoundedSemaphore(AT_ONCE)
        self.strangers = BoundedSemaphore(STRANGERS_AT_ONCE)
        self.strangers_line = BoundedSemaphore(STRANGERS_IN_LINE)
        self.known_line = BoundedSemaphore(_KNOWN_IN_LINE)


_slots = ProcessState(_Slots)


class NoSlot(Exception):
    """Too many other logins at this moment; nothing was checked or counted."""


@contextmanager
def password_slot(*, known: bool) -> Iterator[None]:
    """Within the block one password may be hashed. Raises NoSlot."""
    slots = _slots.current
    if known:
        with _acquired(slots.known_line, 0), _acquired(slots.checks, _KNOWN_WAIT_S):
            yield
    else:
        with (
            _acquired(slots.strangers_line, 0),
            _acquired(slots.strangers, _STRANGERS_WAIT_S),
            _acquired(slots.checks, _STRANGERS_WAIT_S),
        ):
            yield


@contextmanager
def _acquired(semaphore: BoundedSemaphore, wait_s: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=wait_s):
        raise NoSlot
    try:
        yield
    finally:
        semaphore.release()
