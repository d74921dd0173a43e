"""Progress of long work: a line that is overwritten at a terminal; elsewhere, where output is a
log, a log line every ten seconds."""

import logging
import sys
import time
from collections.abc import Callable

from coupons.claims.quantities import counted_noun

EVERY_S = 10  # between two log lines; quick work has none

logger = logging.getLogger(__name__)


class ProgressLine:
    """Call it with the current state as often as you like."""

    def __init__(self, about: str = "") -> None:
        self._about = f"{about}: " if about else ""
        self._next_s = time.monotonic() + EVERY_S

    def __call__(self, state: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{self._about}{state}  ", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + EVERY_S
            logger.info("%s%s", self._about, state)


def of_slots(slug: str) -> Callable[[int, int], None]:
    line = ProgressLine(slug)
    return lambda now, wanted: line(f"{counted_noun(now, 'slot')}, {wanted:,} wanted")


def of_claimants(slug: str) -> Callable[[int], None]:
    line = ProgressLine(slug)
    return lambda count: line(counted_noun(count, "claimant"))


def of_scan(slug: str) -> Callable[[str, int], None]:
    line = ProgressLine(slug)
    return lambda noun, count: line(counted_noun(count, noun))


def of_replay(slug: str) -> Callable[[int], None]:
    line = ProgressLine(slug)
    return lambda count: line(f"{counted_noun(count, 'claim')} put back")
