"""Redis' clock as this process knows it, without asking Redis.

`monitoring.clock_skew` measures every five seconds how far Redis' clock is ahead of this process's
monotonic clock. In between, the monotonic clock runs on: it drifts by some microseconds a second,
and nothing that changes the host's wall clock changes it. The error is half the round trip of the
measurement; one with a longer round trip, on a busy host, does not replace a better one that it
does not contradict. For display, and for the moment of refusals that this process
decides from its cache; a claim is admitted by Redis' own clock.
"""

import time
from dataclasses import dataclass

from coupons.runtime import ProcessState

DRIFT_MS_PER_S = 0.1  # of a host's clock against another's, at most


@dataclass(slots=True)
class _Clock:
    ahead_ms: float | None = None  # of the monotonic clock
    within_ms: float = 0.0  # the error of `ahead_ms` when it was measured, either way
    at_s: float = 0.0  # monotonic

    def error_ms(self, now_s: float) -> float:
        return self.within_ms + DRIFT_MS_PER_S * (now_s - self.at_s)


_clock = ProcessState(_Clock)


def keep_measurement(ahead_ms: float, within_ms: float) -> None:
    """`ahead_ms`: how far Redis' clock is ahead of `time.monotonic`, in milliseconds, ±
    `within_ms`."""
    clock, now_s = _clock.current, time.monotonic()
    if clock.ahead_ms is not None:
        error_ms = clock.error_ms(now_s)
        differs = abs(ahead_ms - clock.ahead_ms) > within_ms + error_ms
        if within_ms > error_ms and not differs:
            return
    clock.ahead_ms, clock.within_ms, clock.at_s = ahead_ms, within_ms, now_s


def estimated_now_ms() -> int | None:
    """Redis' time now, in milliseconds; None: it has never been measured in this process."""
    ahead_ms = _clock.current.ahead_ms
    return None if ahead_ms is None else int(1000 * time.monotonic() + ahead_ms)


def estimated_error_ms() -> float:
    """By how much `estimated_now_ms` may be wrong, either way; 0 if it is None."""
    return _clock.current.error_ms(time.monotonic())
