"""Times and percentiles of an opening."""

import pytest

from config.development.demo.figures import measure_answers, percentile
from config.development.demo.verdict import Answer

OPENS_MS = 1_000_000


def admitted_answer(place: int, *, after_ms: int, latency_ms: float) -> Answer:
    return Answer(
        f"user-{place}",
        1,
        202,
        "admitted",
        place,
        "C",
        "R",
        OPENS_MS + after_ms,
        1_000.0,
        latency_ms,
    )


def refused_answer(*, sent_at: float, latency_ms: float) -> Answer:
    return Answer("late", 1, 409, "sold_out", sent_at=sent_at, latency_ms=latency_ms)


ANSWERS = [
    admitted_answer(1, after_ms=100, latency_ms=10),
    admitted_answer(2, after_ms=400, latency_ms=30),
    refused_answer(sent_at=1_001.5, latency_ms=500),
]


def test_times_count_from_the_opening_and_from_the_last_admission() -> None:
    figures = measure_answers(ANSWERS, stock=2, opens_ms=OPENS_MS, all_stored_ms=OPENS_MS + 650)
    assert (figures.sold_out_after_s, figures.stored_after_s) == (0.4, 0.25)


def test_the_rate_is_that_of_answers_between_the_first_ask_and_the_last_answer() -> None:
    assert measure_answers(ANSWERS, stock=2, opens_ms=0, all_stored_ms=None).rps == 1.5


def test_admitted_and_sold_out_are_measured_apart() -> None:
    figures = measure_answers(ANSWERS, stock=2, opens_ms=OPENS_MS, all_stored_ms=None)
    assert (figures.admitted_p50_ms, figures.admitted_p99_ms) == (10, 30)
    assert (figures.sold_out_p50_ms, figures.sold_out_p99_ms) == (500, 500)


def test_an_event_that_did_not_happen_has_no_time() -> None:
    figures = measure_answers(ANSWERS[:1], stock=2, opens_ms=OPENS_MS, all_stored_ms=None)
    assert figures.sold_out_after_s is None
    assert figures.stored_after_s is None
    assert figures.sold_out_p99_ms is None


@pytest.mark.parametrize(("share", "expected"), [(50, 50), (99, 99), (100, 100)])
def test_percentiles_are_nearest_ranks(share: float, expected: float) -> None:
    assert percentile(range(1, 101), share) == expected
