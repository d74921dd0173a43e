"""This process as another one: with a runtime of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from coupons.runtime import runtime


@contextmanager
def another_process() -> Iterator[None]:
    """In the block the caches and buffers are those of a process that has just begun; then those of
    this process are there again."""
    kept = {state: state.current for state in runtime.states}
    runtime.start_fresh()
    try:
        yield
    finally:
        for state, current in kept.items():
            state.current = current
