"""A value that many threads read and at most one at a time loads.

However many visitors come, the store is asked once per `fresh_s`: the first reader of an old value
loads the next one, and the others get the last value meanwhile, if it is younger than `stale_s`.
While the store is away, the last value is served until it is `kept_s` old; then its failure is
raised, and the store is not asked again for RETRY_S.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from coupons.errors import DependencyAway, StoreAway

T = TypeVar("T")

RETRY_S = 0.5  # after a failure
LONGEST_WAIT_S = 0.5  # for another thread that loads the value


class SharedValue(Generic[T]):
    __slots__ = ("_failure", "_fresh_s", "_kept", "_kept_s", "_loading", "_retry_at_s", "_stale_s")

    def __init__(self, *, fresh_s: float, stale_s: float, kept_s: float) -> None:
        self._fresh_s, self._stale_s, self._kept_s = fresh_s, stale_s, kept_s
        self._kept: tuple[float, T] | None = None  # when it was loaded (monotonic), and the value
        self._failure: DependencyAway | None = None
        self._retry_at_s = 0.0
        self._loading = Lock()

    def read_value(self, load: Callable[[], T]) -> T:
        """The value, loaded by `load` if it is old. Raises what `load` raises; StoreAway if another
        thread has been loading for LONGEST_WAIT_S and there is no value to serve meanwhile."""
        kept = self._kept
        if kept is not None and time.monotonic() - kept[0] < self._fresh_s:
            return kept[1]
        if self._loading.acquire(blocking=False):
            return self._load_and_release(load)
        if kept is not None and time.monotonic() - kept[0] < self._stale_s:
            return kept[1]
        if self._loading.acquire(timeout=LONGEST_WAIT_S):
            return self._load_and_release(load)
        return self._last_value(StoreAway("Another thread is still reading it."))

    def _load_and_release(self, load: Callable[[], T]) -> T:
        try:
            if self._kept is not None and time.monotonic() - self._kept[0] < self._fresh_s:
                return self._kept[1]  # another thread has loaded it since
            if self._failure is not None and time.monotonic() < self._retry_at_s:
                return self._last_value(self._failure)
            return self._load_now(load)
        finally:
            self._loading.release()

    def _load_now(self, load: Callable[[], T]) -> T:
        began_s = time.monotonic()
        try:
            value = load()
        except DependencyAway as failure:
            self._failure, self._retry_at_s = failure, time.monotonic() + RETRY_S
            return self._last_value(failure)
        self._kept, self._failure = (began_s, value), None
        return value

    def _last_value(self, failure: DependencyAway) -> T:
        """Raises the failure if there is no value, or it is too old."""
        if self._kept is not None and time.monotonic() - self._kept[0] < self._kept_s:
            return self._kept[1]
        raise failure.with_traceback(None)
