"""Rate limit per user and process: for fairness between users, not a security measure."""

import time
from threading import Lock

from coupons.claims.hot_settings import settings
from coupons.errors import TooManyRequests
from coupons.runtime import ProcessState


class PerSecond:
    """Fixed-window counter: counts per key, reset at every whole second."""

    def __init__(self) -> None:
        self._second = 0
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def count(self, key: str) -> int:
        """Count this key. Returns how often it was counted in this second."""
        second = int(time.monotonic())
        with self._lock:
            if second != self._second:
                self._second, self._counts = second, {}
            times = self._counts[key] = self._counts.get(key, 0) + 1
        return times


_claims = ProcessState(PerSecond)


def check_claims_of(user: str) -> None:
    """Count a claim of this user. Raises TooManyRequests."""
    limit = settings.CLAIMS_PER_USER_PER_S
    if limit and _claims.current.count(user) > limit:
        raise TooManyRequests(
            "More than 1 claim in a second. Please wait."
            if limit == 1
            else f"More than {limit} claims in a second. Please wait."
        )
