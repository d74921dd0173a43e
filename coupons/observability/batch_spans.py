"""Hook for tracing the batches that a drain stores. Without a listener (`config.tracing` sets one),
a span is an empty context manager."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from coupons.claims.values import AdmittedClaim

Committed = Callable[[Collection[AdmittedClaim]], None]


class Listener(Protocol):
    def __call__(
        self, slug: str, claims: Collection[AdmittedClaim]
    ) -> AbstractContextManager[Committed]: ...


def _ignore(_: Collection[AdmittedClaim]) -> None:
    pass


def _no_span(slug: str, claims: Collection[AdmittedClaim]) -> AbstractContextManager[Committed]:
    return nullcontext(_ignore)


_listener: Listener = _no_span


def set_span_listener(listener: Listener | None) -> None:
    """Set this process's listener for batch spans; None removes it."""
    global _listener
    _listener = listener or _no_span


def batch_span(slug: str, claims: Collection[AdmittedClaim]) -> AbstractContextManager[Committed]:
    """A context from reading a batch until its claims are off the queue. Yields a function, to be
    called right after the commit with the claims whose rows were inserted."""
    return _listener(slug, claims)
