"""Codes of the second factor that this process has seen while Redis was away.

A fixed window by name and known browser. Only who has an operator's password gets here, so there
are few keys; a process that holds MOST_KEYS refuses further ones until some have ended.
"""

import time
from threading import Lock

from coupons.runtime import ProcessState
from coupons.store.login_failures import FORGOTTEN_AFTER_S

MOST_KEYS = 1_000


class _Attempts:
    def __init__(self) -> None:
        self.lock = Lock()
        self.windows: dict[
            tuple[str, str], tuple[float, int]
        ] = {}  # (end, monotonic seconds; attempts)


_attempts = ProcessState(_Attempts)


def count_here(name: str, browser: str, limit: int) -> int:
    """Count an attempt. Returns 0, or the seconds until one is looked at again."""
    attempts, now, key = _attempts.current, time.monotonic(), (name, browser)
    with attempts.lock:
        windows = attempts.windows
        for one in [one for one, (end, _count) in windows.items() if end <= now]:
            del windows[one]
        end, count = windows.get(key, (now + FORGOTTEN_AFTER_S, 0))
        if count >= limit or (not count and len(windows) >= MOST_KEYS):
            return max(1, int(end - now))
        windows[key] = (end, count + 1)
    return 0


def forget_here(name: str, browser: str) -> None:
    """A code was right: the wrong ones before it were typing errors."""
    attempts = _attempts.current
    with attempts.lock:
        attempts.windows.pop((name, browser), None)
