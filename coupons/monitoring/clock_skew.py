"""Clock skew: how far this process's wall clock is from Redis' clock. It is measured and written to
Redis, from where the readiness board and the metrics read it.

No guarantee depends on a host's clock, so nothing is corrected by this: it shows an operator that a
host's NTP does not work. The same measurement tells this process what time Redis has
(`campaigns.redis_clock`).
"""

import atexit
import logging
import os
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from coupons.campaigns import redis_clock
from coupons.errors import StoreFailure
from coupons.runtime import ProcessState
from coupons.store import store
from coupons.store.processes import ClockReport

LOOKS = 3  # measurements; the one with the shortest round trip is the most exact
# Hosts that keep time by NTP differ by milliseconds.
AMBER_MS, RED_MS = 200, 1_000
REPORT_EVERY_S = 5.0
FRESH_MS = 30_000  # an older report counts as one of a process that was killed

logger = logging.getLogger(__name__)


class Skew(NamedTuple):
    """`ahead_ms`: how far the wall clock is ahead of Redis' clock (behind: negative), ±
    `within_ms`; `at_ms`: when it was measured, by Redis' clock; `monotonic_ms`: how far Redis'
    clock was ahead of `time.monotonic`."""

    ahead_ms: float
    within_ms: float
    at_ms: int
    monotonic_ms: float

    @property
    def off_ms(self) -> float:
        return off_ms(self.ahead_ms, self.within_ms)


def off_ms(ahead_ms: float, within_ms: float) -> float:
    """The least difference between the clocks that the measurement allows, in either direction."""
    return max(0.0, abs(ahead_ms) - within_ms)


def measure_skew() -> Skew:
    """The most exact of LOOKS measurements. Raises StoreAway."""
    return min((_measure_once() for _look in range(LOOKS)), key=lambda skew: skew.within_ms)


def _measure_once() -> Skew:
    wall, began = time.time(), time.monotonic()
    at_ms = store().server.now_ms()
    half_ms = 500 * (time.monotonic() - began)
    redis_ms = at_ms + 0.5  # Redis' milliseconds have no fractions
    return Skew(
        1000 * wall + half_ms - redis_ms, half_ms + 0.5, at_ms, redis_ms - 1000 * began - half_ms
    )


class Reporter:
    """Measures and reports the skew of this process, at most every REPORT_EVERY_S."""

    def __init__(self) -> None:
        self._due_s = 0.0
        self._is_off = False
        self._reported: tuple[str, int] | None = None  # name and pid
        self._thread: threading.Thread | None = None
        self._has_ended = threading.Event()
        self._one_at_a_time = threading.Lock()

    def keep_reporting(self, process: str) -> None:
        """Report now and from now on, from a thread of its own: a process that answers nobody for a
        while, or works at one task for long, is still seen to run. Further calls do nothing."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._report_again_and_again, args=(process,), name="clock-reports",
                daemon=True,
            )  # fmt: skip
            self._thread.start()

    def _report_again_and_again(self, process: str) -> None:
        while not self._has_ended.is_set():
            try:
                self.report(process)
            except Exception:  # the next report may succeed
                logger.exception("the clock of %s could not be reported", process)
            self._has_ended.wait(REPORT_EVERY_S)

    def report(self, process: str) -> None:
        """Report under the name `process`. Does nothing while Redis is unreachable."""
        with self._one_at_a_time:
            if time.monotonic() >= self._due_s and not self._has_ended.is_set():
                self._due_s = time.monotonic() + REPORT_EVERY_S
                self._report_now(process)

    def _report_now(self, process: str) -> None:
        try:
            skew = measure_skew()
            redis_clock.keep_measurement(skew.monotonic_ms, skew.within_ms)
            store().processes.report_clock(
                process, os.getpid(), ahead_ms=round(skew.ahead_ms),
                within_ms=round(skew.within_ms), at_ms=skew.at_ms,
            )  # fmt: skip
            store().layouts.report_layouts(process, os.getpid(), skew.at_ms)
        except StoreFailure:
            return
        if self._reported is None:
            atexit.register(self.withdraw)
        self._reported = (process, os.getpid())
        self._log(process, skew)

    def withdraw(self) -> None:
        """Delete this process's report, because it ends: a clock that nobody uses any more is no
        reason to hold an opening."""
        self._has_ended.set()
        with self._one_at_a_time:
            if self._reported and self._reported[1] == os.getpid():
                with suppress(StoreFailure):
                    store().processes.forget_clock(*self._reported)
                self._reported = None

    def _log(self, process: str, skew: Skew) -> None:
        """Log when the skew becomes RED_MS or more, and when it is less again."""
        was_off, self._is_off = self._is_off, skew.off_ms >= RED_MS
        if self._is_off and not was_off:
            logger.warning(
                "the clock of %s is %+.1f s from Redis' clock: let this host keep time by NTP",
                process, skew.ahead_ms / 1000,
            )  # fmt: skip
        elif was_off and not self._is_off:
            logger.warning("the clock of %s agrees with Redis' clock again", process)


reporter = ProcessState(Reporter, anew_after_fork=True)


def withdraw_report(**_: object) -> None:
    """Receiver of Celery's signals: a process of its pool runs no `atexit`."""
    reporter.current.withdraw()


def reported_skews() -> list[ClockReport]:
    """The worst fresh report under each process's name. Raises StoreAway."""
    worst: dict[str, ClockReport] = {}
    for report in store().processes.clock_reports():
        worst_so_far = worst.get(report.process)
        if report.age_ms <= FRESH_MS and (
            worst_so_far is None or off_of(report) > off_of(worst_so_far)
        ):
            worst[report.process] = report
    return list(worst.values())


def off_of(report: ClockReport) -> float:
    return off_ms(report.ahead_ms, report.within_ms)
