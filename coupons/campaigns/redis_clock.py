"""Redis' clock as this process knows it, without asking Redis.

`monitoring.clock_skew` measures every five seconds how far Redis' clock is ahead of this process's
monotonic clock. In between, the monotonic clock runs on: it drifts by some microseconds a second,
and nothing that changes the host's wall clock changes it. The error is half the round trip of the
measurement, less than a millisecond. For display, and for the moment of refusals that this process
decides from its cache; a claim is admitted by Redis' own clock.
"""

import time
from dataclasses import dataclass

from coupons.runtime import ProcessState


@dataclass(slots=True)
class _Clock:
    ahead_ms: float | None = None  # of the monotonic clock


_clock = ProcessState(_Clock)


def keep_measurement(ahead_ms: float) -> None:
    """`ahead_ms`: how far Redis' clock is ahead of `time.monotonic`, in milliseconds."""
    _clock.current.ahead_ms = ahead_ms


def estimated_now_ms() -> int | None:
    """Redis' time now, in milliseconds; None: it has never been measured in this process."""
    ahead_ms = _clock.current.ahead_ms
    return None if ahead_ms is None else int(1000 * time.monotonic() + ahead_ms)
