"""Waiting for what a real process will make true."""

import inspect
import time
from collections.abc import Callable

# A wait ends as soon as its condition is true. So this costs nothing where all is well, and a
# machine that has ten times the work it can do is no failure.
PATIENCE_S = 120


def wait_until(
    true: Callable[[], object],
    *,
    patience_s: float = PATIENCE_S,
    said: Callable[[], object] | None = None,
) -> None:
    """Wait until `true()` is. What was seen last is in the failure: by `said`, or else what
    `true()` returned. Logs in the test's folder are shown with every failure (conftest.py)."""
    deadline = time.monotonic() + patience_s
    while not (seen := true()):
        if time.monotonic() > deadline:
            last = seen if said is None else said()
            raise AssertionError(f"not within {patience_s:g} s: {text_of(true)}\nlast: {last}")
        time.sleep(0.05)


def text_of(condition: Callable[[], object]) -> str:
    """The lines of the test that hold the condition."""
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
