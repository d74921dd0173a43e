"""A failure that goes on is logged once, then every REMIND_S: a damaged key fails once a second."""

import time
from collections.abc import Hashable
from dataclasses import dataclass

from coupons.claims.quantities import counted_noun

ENDED_S, REMIND_S = 60, 600  # a failure not seen for this long has ended; between two log lines
MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class _Failing:
    """A failure that goes on, by monotonic seconds."""

    seen_s: float
    logged_s: float
    repeats: int = 0


class LastingFailures:
    """The failures that this process has logged, each under the key that tells it from others."""

    def __init__(self) -> None:
        self._failing: dict[Hashable, _Failing] = {}

    def __len__(self) -> int:
        return len(self._failing)

    def log_suffix(self, key: Hashable) -> str | None:
        """Count one failure. Returns what to append to its log line: how often it was left out
        since the last one. None: write no line now."""
        now_s, failing = time.monotonic(), self._failing.get(key)
        if failing and now_s < min(failing.seen_s + ENDED_S, failing.logged_s + REMIND_S):
            failing.seen_s, failing.repeats = now_s, failing.repeats + 1
            return None
        if len(self._failing) >= MOST_REMEMBERED:
            self._failing.clear()
        self._failing[key] = _Failing(seen_s=now_s, logged_s=now_s)
        if not failing:
            return ""
        return f" (and {counted_noun(failing.repeats, 'time')} since its last line)"
