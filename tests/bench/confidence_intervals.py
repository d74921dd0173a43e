"""Between which marks a median lies, whatever the samples are distributed like. Pure."""

from collections.abc import Sequence
from itertools import count
from math import comb
from statistics import median
from typing import NamedTuple

SURE = 0.95


class Interval(NamedTuple):
    """The samples' median, and where the true one lies with a probability of SURE or more."""

    low: float
    median: float
    high: float

    def as_details(self, name: str) -> dict[str, float]:
        """As details of a figure."""
        return {f"{name}_{mark}": value for mark, value in self._asdict().items()}


def median_interval(samples: Sequence[float]) -> Interval:
    """By the sign test's order statistics: each sample is as likely above the true median as below.

    Raises ValueError for fewer than six samples, of which no interval can be made.
    """
    ordered, left_out = sorted(samples), _left_out(len(samples))
    return Interval(ordered[left_out], median(ordered), ordered[-1 - left_out])


def _left_out(samples: int) -> int:
    """How many at either end the interval may leave out and still be SURE."""
    beyond = 0.0  # the chance that the true median lies beyond the outermost, the next …
    for rank in count():
        beyond += 2 * comb(samples, rank) / 2**samples
        if beyond > 1 - SURE:
            break
    if not rank:
        raise ValueError(f"{samples} samples are too few for an interval.")
    return rank - 1
