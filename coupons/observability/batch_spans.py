"""Where a batch on its way to MySQL can be told to a tracer. Nobody listens unless one is set up
(`config.tracing`); then nothing is done here but to enter and leave an empty context."""

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


def _nobody(slug: str, claims: Collection[AdmittedClaim]) -> AbstractContextManager[Committed]:
    return nullcontext(_ignore)


_listener: Listener = _nobody


def set_span_listener(listener: Listener | None) -> None:
    """From here on this process's batches are told to that listener; None: to nobody."""
    global _listener
    _listener = listener or _nobody


def batch_span(slug: str, claims: Collection[AdmittedClaim]) -> AbstractContextManager[Committed]:
    """Lasts from the batch read to its claims off the queue. Yields what is to be called with those
    whose rows were made, right after their commit."""
    return _listener(slug, claims)
