"""Confidence intervals of a median, without assumptions on the distribution. Pure."""

from collections.abc import Sequence
from itertools import count
from math import comb
from statistics import median
from typing import NamedTuple

SURE = 0.95


class Interval(NamedTuple):
    """The samples' median, and the interval of the true median with confidence SURE or more."""

    low: float
    median: float
    high: float

    def as_details(self, name: str) -> dict[str, float]:
        """As details of a figure."""
        return {f"{name}_{mark}": value for mark, value in self._asdict().items()}


def median_interval(samples: Sequence[float]) -> Interval:
    """By the sign test's order statistics: each sample is as likely above the true median as below.

    Raises ValueError for fewer than six samples, which are too few for an interval.
    """
    ordered, left_out = sorted(samples), _left_out(len(samples))
    return Interval(ordered[left_out], median(ordered), ordered[-1 - left_out])


def _left_out(samples: int) -> int:
    """How many samples at each end the interval may leave out and still have confidence SURE."""
    beyond = 0.0  # the chance that the true median lies beyond the outermost, the next …
    for rank in count():
        beyond += 2 * comb(samples, rank) / 2**samples
        if beyond > 1 - SURE:
            break
    if not rank:
        raise ValueError(f"{samples} samples are too few for an interval.")
    return rank - 1
