"""The arithmetic of arrivals, percentiles and ratios."""

import pytest
from answers import ClaimAnswer, parse_answer
from arrivals import EVEN, RUSH, arrival_time, due_between
from figures import Window, measure_run, percentile
from ratios import list_faults, median_figures, ratio_lines, summary_ratios


@pytest.mark.parametrize(
    ("share", "moment"), [(0, 0), (0.25, 0.5), (0.5, 1), (0.8, 3), (0.9, 6.5), (1, 10)]
)
def test_half_of_a_rush_comes_in_its_first_tenth(share: float, moment: float) -> None:
    assert arrival_time(RUSH, share, seconds=10) == pytest.approx(moment)


def test_arrivals_and_the_configured_rate_are_two_views_of_one_table() -> None:
    moments = [arrival_time(RUSH, n / 10_000, seconds=20) for n in range(10_000)]
    assert moments == sorted(moments)
    for begin, end in ((0, 2), (1, 7), (0, 20)):
        due = due_between(RUSH, begin, end, people=10_000, seconds=20)
        assert sum(begin <= moment < end for moment in moments) == pytest.approx(due, abs=2)
    assert due_between(EVEN, 5, 10, people=100, seconds=20) == pytest.approx(25)


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, share) for share in (0.5, 0.99, 0.999)] == [50, 99, 100]
    assert percentile([], 0.99) == 0


def make_answer(outcome: str, status: int, *, due: float, sent: float, done: float) -> ClaimAnswer:
    return ClaimAnswer("mina", outcome, status, due, sent, done)


def test_response_times_count_from_the_moment_a_person_meant_to_ask() -> None:
    """A load generator that was 2 s late can't report 10 ms."""
    held_up = make_answer("admitted", 202, due=1.0, sent=3.0, done=3.01)
    found = measure_run([held_up], Window(0, 10), configured=0.1)
    assert found["outcomes"]["admitted"]["max"] == 2010  # type: ignore[index]
    assert found["asked_late"] == 1


def test_outcomes_share_no_percentile_and_the_warm_up_is_left_out() -> None:
    heard = [
        make_answer("admitted", 202, due=0.5, sent=0.5, done=9.0),  # warm-up
        make_answer("admitted", 202, due=1.5, sent=1.5, done=1.6),
        make_answer("sold_out", 409, due=1.5, sent=1.5, done=1.501),
        make_answer("not_open", 409, due=1.5, sent=1.5, done=1.502),
        make_answer("store_away", 503, due=1.5, sent=1.5, done=1.9),
    ]
    found = measure_run(heard, Window(1, 3), configured=None)
    counts = {name: times["count"] for name, times in found["outcomes"].items()}  # type: ignore[attr-defined]
    assert counts == {"admitted": 1, "already": 0, "sold_out": 1, "refused": 1, "error": 1}
    assert found["outcomes"]["admitted"]["p99"] == 100  # type: ignore[index]
    assert found["asked_per_s"] == 2
    assert found["left_out_of_the_figures"] == 1


@pytest.mark.parametrize(
    ("status", "body", "header", "outcome"),
    [
        (202, {"place": 7, "code": "AB-CD"}, "admitted", ("admitted", 7, "ABCD")),
        (201, {"place": 7, "code": "ABCD"}, None, ("admitted", 7, "ABCD")),
        (409, {"code": "sold_out"}, None, ("sold_out", 0, "")),
        (503, {"code": "store_away"}, None, ("store_away", 0, "")),
        (502, {}, None, ("http_502", 0, "")),
    ],
)
def test_an_answer_is_read_once(
    status: int, body: dict[str, object], header: str | None, outcome: tuple[str, int, str]
) -> None:
    assert parse_answer(status, body, header) == outcome


def round_of(rps: float, mean: float, **more: object) -> dict[str, object]:
    return {"rps": rps, "ms": {"mean": mean}, "not_admitted": 0, "faults": []} | more


def test_ratios_are_of_medians_and_above_one_for_the_queued_road() -> None:
    saturated = {
        "A": [round_of(90, 1), round_of(100, 1), round_of(900, 1)],
        "B": [round_of(1000, 1)],
        "C": [round_of(400, 1)],
    }
    offered = {"A": [round_of(1, 800)], "B": [round_of(1, 4)]}
    rates = {"B": 950, "D": 1000, "E": 1900, "BR": 900, "DR": 600}
    wrk = {key: [round_of(rate, 1)] for key, rate in rates.items()}
    assert summary_ratios(saturated, offered, wrk) == {
        "rps_queued_over_direct": 10,
        "mean_direct_over_queued": 200,
        "rps_queued_over_tutorial": 2.5,
        "rps_queued_over_fastapi": 0.95,
        "rps_queued_over_fastapi_rs256": 1.5,
        "rps_queued_over_bare_asgi": 0.5,
    }
    assert median_figures(saturated["A"]) == {"rps": 100, "mean": 1}


def test_a_ratio_is_printed_beside_its_goal() -> None:
    found = {"rps_queued_over_direct": 11, "rps_queued_over_fastapi": 1.29, "rounds": 3}
    reached, missed = ratio_lines(found)
    assert reached.split() == ["rps_queued_over_direct", "11.00", "goal", "≥", "11", "✓"]
    assert missed.endswith("1.29  goal ≥ 1.3 ✗ missed")
    assert ratio_lines({"rps_queued_over_bare_asgi": 0.4})[0].split()[-1] == "0.40"


def test_a_round_that_lost_a_claim_or_refused_one_is_named() -> None:
    rounds = {"B": [round_of(1, 1), round_of(1, 1, faults=["3 lost."], not_admitted=2)]}
    assert list_faults(saturated=rounds) == [
        "saturated, B, round 2: 3 lost.",
        "saturated, B, round 2: 2 claims were not admitted.",
    ]
    assert list_faults(may_refuse=("C", "D"), saturated=rounds) == list_faults(saturated=rounds)
    assert list_faults(may_refuse=("B",), saturated=rounds) == ["saturated, B, round 2: 3 lost."]
