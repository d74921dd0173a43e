"""Limit of concurrent password checks per process: two. Each takes half a second of CPU, which
claims on the same host need as well.

One of the two is reserved for known browsers. All others share the other, and only a few of them
may wait for it: each waiting request occupies a thread that the operators' pages need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

AT_ONCE, STRANGERS_AT_ONCE = 2, 1
_STRANGERS_IN_LINE, _KNOWN_IN_LINE = 4, 6  # most waiting, including those being checked
_STRANGERS_WAIT_S, _KNOWN_WAIT_S = 2.0, 5.0

_checks = BoundedSemaphore(AT_ONCE)
_strangers = BoundedSemaphore(STRANGERS_AT_ONCE)
_strangers_line = BoundedSemaphore(_STRANGERS_IN_LINE)
_known_line = BoundedSemaphore(_KNOWN_IN_LINE)


class NoSlot(Exception):
    """Too many other logins at this moment; nothing was checked or counted."""


@contextmanager
def password_slot(*, known: bool) -> Iterator[None]:
    """Within the block one password may be hashed. Raises NoSlot."""
    if known:
        with _acquired(_known_line, 0), _acquired(_checks, _KNOWN_WAIT_S):
            yield
    else:
        with (
            _acquired(_strangers_line, 0),
            _acquired(_strangers, _STRANGERS_WAIT_S),
            _acquired(_checks, _STRANGERS_WAIT_S),
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
