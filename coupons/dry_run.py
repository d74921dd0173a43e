"""A dry run: a verb's own code runs, its transaction is rolled back, and nothing that changes
anything is sent to Redis or to the broker.

Within `dry_run()` every call to Redis but a reading one is refused by the client (`DryRunWrites`).
A call that a verb makes on its way asks `noted` first: it counts what it would have done, and
answers from what it reads. Rows are the caller's part: the transaction must be rolled back.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Noted = Counter[str]  # what would have been done → how often
_current: ContextVar[Noted | None] = ContextVar("dry_run", default=None)


class DryRunWrites(RuntimeError):
    """A call that changes something was made in a dry run: a fault of the program. Not sent."""


@contextmanager
def dry_run() -> Iterator[Noted]:
    """Until the end of the block nothing is sent that changes anything. Yields what is noted; a dry
    run within another is part of it."""
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    counts: Noted = Counter()
    token = _current.set(counts)
    try:
        yield counts
    finally:
        _current.reset(token)


def is_dry_run() -> bool:
    return _current.get() is not None


def noted(what: str, count: int = 1) -> bool:
    """Whether this is a dry run, which then counts this: the caller must not do it."""
    counts = _current.get()
    if counts is None:
        return False
    counts[what] += count
    return True
