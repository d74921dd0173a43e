"""An interval contains the true median as often as its confidence level says."""

import random

import pytest

from tests.bench import confidence_intervals

ROUNDS = 1000


@pytest.mark.parametrize(("samples", "low", "high"), [(6, 0, 5), (20, 5, 14), (100, 39, 60)])
def test_the_marks_are_those_of_the_sign_test(samples: int, low: int, high: int) -> None:
    found = confidence_intervals.median_interval(random.Random(1).sample(range(samples), samples))
    assert found == (low, (samples - 1) / 2, high)


def test_five_samples_say_nothing() -> None:
    with pytest.raises(ValueError, match="5 samples are too few"):
        confidence_intervals.median_interval([1.0] * 5)


def test_it_misses_the_median_at_most_one_time_in_twenty() -> None:
    dice, missed = random.Random(7), 0
    for _ in range(ROUNDS):  # of a skewed distribution, as disturbances are
        low, _middle, high = confidence_intervals.median_interval(
            [dice.expovariate(1) for _ in range(40)]
        )
        missed += not low <= 0.6931 <= high
    assert 0 < missed <= ROUNDS * 0.05
