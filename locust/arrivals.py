"""Arrival times: tables of stages, and their arithmetic. Pure; uses no clock and no Locust."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the time, in which a part of the people arrive evenly. Both are weights."""

    time: float
    people: float


RUSH = (  # an announced sale: half of the people press the button in the first tenth
    Stage(time=1, people=5),
    Stage(time=2, people=3),
    Stage(time=7, people=2),
)
EVEN = (Stage(time=1, people=1),)


def arrival_time(stages: Sequence[Stage], share: float, *, seconds: float) -> float:
    """The arrival time of the person with this share (0 to 1) of the people before them.

    In seconds after the opening, at most `seconds`. The inverse of the cumulative arrivals, which
    are linear within each stage.
    """
    ends = list(accumulate(stage.people for stage in stages))
    index = min(bisect_left(ends, share * ends[-1]), len(stages) - 1)
    stage, before = stages[index], ends[index] - stages[index].people
    into = (share * ends[-1] - before) / stage.people
    passed = sum(earlier.time for earlier in stages[:index]) + into * stage.time
    return passed / sum(s.time for s in stages) * seconds


def due_between(
    stages: Sequence[Stage], begin: float, end: float, *, people: int, seconds: float
) -> float:
    """How many people are due between two times: the configured load of that interval."""
    return people * (_share(stages, end / seconds) - _share(stages, begin / seconds))


def _share(stages: Sequence[Stage], passed: float) -> float:
    """The share of the people who have arrived when this share of the time has passed."""
    now, come = passed * sum(stage.time for stage in stages), 0.0
    for stage in stages:
        come += stage.people * min(1.0, max(0.0, now / stage.time))
        now -= stage.time
    return come / sum(stage.people for stage in stages)
