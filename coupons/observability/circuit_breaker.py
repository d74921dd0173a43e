"""A circuit breaker: who has just been found silent is not asked again by everybody at once.

Without one, every thread of a process waits its full timeout on a server that swallows what it is
sent, and requests that need no such server wait behind them. With it, one waits; the others are
told at once; one at a time tries again, first soon, then less often, never more than LONGEST_S
apart: so the first request is served at most that long after the server is back.

Closed, which is nearly always, it costs one attribute of an object.
"""

import random
import time
from collections.abc import Callable
from threading import Lock

from coupons.observability import metrics

SHORTEST_S, LONGEST_S = 0.1, 1.0  # between two tries
_RESTS, _TRIES, _WELL = 1.0, 0.5, 0.0  # as the gauge says it
IN_A_ROW = 3  # quick failures, such as a cut connection, that open it


class Breaker:
    """Shared by the threads of a process. Read `open` before a call, and if it is, ask `may_try`;
    afterwards tell what came of it."""

    def __init__(
        self,
        dependency: metrics.Breaker,
        *,
        slow_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A failure that took `slow_s` opens it by itself: the next would take as long."""
        self.open = False
        self._dependency, self._slow_s, self._clock = dependency, slow_s, clock
        self._failures = 0
        self._pause_s = 0.0
        self._next_try = 0.0
        self._lock = Lock()

    def is_resting(self) -> bool:
        """Nobody may try yet."""
        return self.open and self._clock() < self._next_try

    def may_try(self) -> bool:
        """To be asked while it is open: True for one caller per pause, who then calls."""
        with self._lock:
            now = self._clock()
            if self.open and now < self._next_try:
                return False
            metrics.BREAKER_OPEN.labels(self._dependency).set(_TRIES)
            # Should this caller never tell how it went, another one tries after as long.
            self._next_try = now + max(self._pause_s, 2 * self._slow_s)
            return True

    def succeeded(self) -> None:
        if self._failures:
            with self._lock:
                self._failures, self._pause_s = 0, 0.0
                self._turn(open=False)

    def failed(self, *, after_s: float) -> None:
        """The call got no answer, and was given up after so long."""
        with self._lock:
            self._failures += 1
            if after_s < self._slow_s and self._failures < IN_A_ROW:
                return
            self._pause_s = min(LONGEST_S, max(SHORTEST_S, 2 * self._pause_s))
            # Processes that lost the same server shall not all come back in the same moment.
            self._next_try = self._clock() + self._pause_s * random.uniform(0.5, 1)
            self._turn(open=True)

    def _turn(self, *, open: bool) -> None:
        if open and not self.open:
            metrics.BREAKER_OPENED.labels(self._dependency).inc()
        if open or self.open:
            metrics.BREAKER_OPEN.labels(self._dependency).set(_RESTS if open else _WELL)
        self.open = open
