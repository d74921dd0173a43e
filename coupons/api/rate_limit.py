"""How often one user may ask one process: a courtesy towards the others, not a security measure."""

import time
from threading import Lock

from coupons.claims.hot_settings import settings
from coupons.errors import TooManyRequests


class PerSecond:
    """Counts per key in whole seconds; forgets everything when the next second begins."""

    def __init__(self) -> None:
        self._second = 0
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def count(self, key: str) -> int:
        """How often this key was seen in this second, now included."""
        second = int(time.monotonic())
        with self._lock:
            if second != self._second:
                self._second, self._counts = second, {}
            seen = self._counts[key] = self._counts.get(key, 0) + 1
        return seen


_claims = PerSecond()


def check_claims_of(user: str) -> None:
    """Raises TooManyRequests."""
    most = settings.CLAIMS_PER_USER_PER_S
    if most and _claims.count(user) > most:
        raise TooManyRequests(f"More than {most} claims in a second. Please wait.")
