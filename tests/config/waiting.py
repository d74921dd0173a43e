"""Waiting for a condition that a real process will make true."""

import time
from collections.abc import Callable


def wait_until(true: Callable[[], bool], *, patience_s: float = 30) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
