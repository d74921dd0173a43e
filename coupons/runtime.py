"""The mutable state of this process: its caches, breakers, buffers, locks and connections.

A module that keeps state declares it once, with the function that makes it, and reads `current`
wherever it needs it:

    _caches = ProcessState(_Caches)
    _caches.current.snapshots[slug]

All of them together are the `Runtime`. `apps.ready()` starts the one of this process; a test starts
a fresh one (`tests/conftest.py`). Before that there is no state, so nothing is kept from imports.
DECISIONS ("One runtime for the state of a process") lists what stays a module's variable, and why.
"""

import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ProcessState(Generic[T]):
    """The state of one subject in this process. `current` is a plain attribute: a claim reads it
    several times."""

    __slots__ = ("_make", "anew_after_fork", "current")
    current: T

    def __init__(self, make: Callable[[], T], *, anew_after_fork: bool = False) -> None:
        """`anew_after_fork`: a forked child must not go on with its parent's."""
        self._make, self.anew_after_fork = make, anew_after_fork
        runtime.add_state(self)

    def make_anew(self) -> None:
        self.current = self._make()


class Runtime:
    """The states of all subjects."""

    def __init__(self) -> None:
        self.states: list[ProcessState[Any]] = []
        self._is_started = False

    def add_state(self, state: ProcessState[Any]) -> None:
        self.states.append(state)
        if self._is_started:  # its module was imported later
            state.make_anew()

    def start_fresh(self) -> None:
        """Make every state anew."""
        self._is_started = True
        for state in self.states:
            state.make_anew()

    def renew_after_fork(self) -> None:
        """In a forked child: make anew what must not be its parent's."""
        for state in self.states:
            if state.anew_after_fork and self._is_started:
                state.make_anew()


runtime = Runtime()
os.register_at_fork(after_in_child=runtime.renew_after_fork)
