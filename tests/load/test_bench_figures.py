"""The arithmetic of the bench: when a goal is reached, and figures read back from a file."""

import re
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import console_tables, figures, run_file
from tests.bench.figures import Figure, Goal, Verdict
from tests.bench.paired_rounds import Pairs, interleave_blocks


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.9, Verdict.AIM), (1.0, Verdict.AIM), (1.2, Verdict.MUST), (1.6, Verdict.MISSED)],
)
def test_a_lower_value_is_better_unless_told_otherwise(value: float, verdict: Verdict) -> None:
    assert Goal(must=1.5, aim=1.0).judge_value(value) is verdict


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.9, Verdict.AIM), (0.6, Verdict.MUST), (0.59, Verdict.MISSED)]
)
def test_a_higher_value_is_better_where_the_goal_says_so(value: float, verdict: Verdict) -> None:
    assert Goal(must=0.6, aim=0.9, lower=False).judge_value(value) is verdict


def test_a_figure_without_a_goal_misses_nothing() -> None:
    assert figures.missed_goals([Figure("redis_decisions_per_s", 1.0)]) == []


def test_what_is_not_good_enough_is_named() -> None:
    measured = [Figure("rps_ratio", 0.5), Figure("drain_ratio", 0.5)]
    assert figures.missed_goals(measured) == ["rps_ratio"]


def test_every_goal_belongs_to_a_figure_and_every_figure_to_the_page() -> None:
    assert figures.GOALS.keys() <= set(bench.NAMES)
    page = (Path(bench.__file__).parent / "README.md").read_text()
    rows = [row for row in page.splitlines() if row.count("|") == 5]
    named = {name for row in rows for name in re.findall(r"[a-z0-9_]+", row.split("|")[1])}
    assert set(bench.NAMES) - named <= {"bytes_per_claimant_valkey", "admission_growth_valkey"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("'--enable-optimizations' '--with-lto' '--prefix=/usr'", "PGO and LTO"),
        ("'--prefix=/usr'", "no PGO or LTO asked of configure"),
        (None, "options of the build unknown"),
    ],
)
def test_the_build_of_the_interpreter_is_said(arguments: str | None, said: str) -> None:
    assert run_file.build_options(arguments) == said


def test_the_interpreter_stands_above_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    interpreter = run_file.describe_interpreter()
    about = {"commit": "abc", "machine": {"cpu": "X", "cores": 2, **interpreter}}
    console_tables.print_figures([Figure("rps_ratio", 0.5)], about)
    said = " ".join(capsys.readouterr().out.split())
    assert f"{interpreter['implementation']} {interpreter['python']}" in said
    assert interpreter["build"] in said


def test_the_interpreter_of_an_earlier_run_is_its_version() -> None:
    assert run_file.interpreter_sentence({"python": "3.11.7"}) == "Python 3.11.7"


def test_one_disturbed_round_does_not_move_the_ratio() -> None:
    pairs = Pairs(ours=[2.0, 2.0, 90.0], theirs=[1.0, 1.0, 1.0])
    assert pairs.median_cost == 2.0
    assert pairs.total_cost == pytest.approx(94 / 3)


def test_speed_is_the_inverse_of_cost() -> None:
    assert Pairs(ours=[4.0], theirs=[1.0]).median_speed == 0.25


def test_both_sides_are_warmed_up_and_begin_in_turn() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    pairs = interleave_blocks("test", lambda: side("ours"), lambda: side("theirs"), rounds=2)
    assert order == ["ours", "theirs", "ours", "theirs", "theirs", "ours"]
    assert (pairs.ours, pairs.theirs) == ([3.0, 6.0], [4.0, 5.0])


def test_a_written_run_is_read_back_whole() -> None:
    measured = [Figure("rps_ratio", 0.5, {"claims_per_s": 100.0}, {"claims_per_s": [99.0, 101.0]})]
    about = {"commit": "abc", "quick": False}
    assert run_file.load_run(run_file.dump_run(measured, about)) == (about, measured)


def test_two_runs_are_compared_figure_by_figure(capsys: pytest.CaptureFixture[str]) -> None:
    now, then = Figure("rps_ratio", 0.6, {"new": 1.0}), Figure("rps_ratio", 0.5)
    console_tables.print_comparison([now, Figure("drain_ratio", 1.0)], [then], "abc")
    said = capsys.readouterr().out
    assert "1.200" in said
    assert "drain_ratio" not in said


@pytest.mark.parametrize(("value", "shown"), [(0.12345, "0.123"), (1234.5, "1,234"), (1.5, "1.5")])
def test_a_number_is_shown_with_three_digits_that_count(value: float, shown: str) -> None:
    assert console_tables.format_number(value) == shown
