"""Circuit breaker: calls to a dependency that does not reply fail at once.

Without it, every thread of a process waits its full timeout on a server that does not reply, and
requests that do not need that server queue up behind them. With it, one thread waits and all others
fail at once. One caller at a time probes the server, with exponential backoff up to LONGEST_S: so
calls succeed at most LONGEST_S after the server is back.

While it is closed, a call costs one attribute read.
"""

import random
import time
from collections.abc import Callable
from threading import Lock

from coupons.observability import metrics

SHORTEST_S, LONGEST_S = 0.1, 1.0  # between two probes
_OPEN, _HALF_OPEN, _CLOSED = 1.0, 0.5, 0.0  # values of the gauge
IN_A_ROW = 3  # consecutive fast failures (such as a cut connection) that open it


class Breaker:
    """Shared by the threads of a process. Before a call read `open`; if true, call only when
    `may_try()`. After every call report `succeeded()` or `failed()`."""

    def __init__(
        self,
        dependency: metrics.Breaker,
        *,
        slow_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A single failure that took `slow_s` or longer opens it: the next would take as long."""
        self.open = False
        self._dependency, self._slow_s, self._clock = dependency, slow_s, clock
        self._failures = 0
        self._pause_s = 0.0
        self._next_try = 0.0  # by `clock`, seconds
        self._lock = Lock()

    def is_resting(self) -> bool:
        """Open, and no probe is due yet."""
        return self.open and self._clock() < self._next_try

    def may_try(self) -> bool:
        """While open: True for one caller per pause, which must then make the call (the probe)."""
        with self._lock:
            now = self._clock()
            if self.open and now < self._next_try:
                return False
            metrics.BREAKER_OPEN.labels(self._dependency).set(_HALF_OPEN)
            # If this caller never reports the result, another one may probe after this time.
            self._next_try = now + max(self._pause_s, 2 * self._slow_s)
            return True

    def succeeded(self) -> None:
        if self._failures:
            with self._lock:
                self._failures, self._pause_s = 0, 0.0
                self._set_open(open=False)

    def failed(self, *, after_s: float) -> None:
        """Report that a call got no reply and was given up after `after_s` seconds."""
        with self._lock:
            self._failures += 1
            if after_s < self._slow_s and self._failures < IN_A_ROW:
                return
            self._pause_s = min(LONGEST_S, max(SHORTEST_S, 2 * self._pause_s))
            # Jitter, so that processes that lost the same server do not all probe at one moment.
            self._next_try = self._clock() + self._pause_s * random.uniform(0.5, 1)
            self._set_open(open=True)

    def _set_open(self, *, open: bool) -> None:
        if open and not self.open:
            metrics.BREAKER_OPENED.labels(self._dependency).inc()
        if open or self.open:
            metrics.BREAKER_OPEN.labels(self._dependency).set(_OPEN if open else _CLOSED)
        self.open = open
