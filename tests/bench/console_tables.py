"""Printed tables: the figures of a run, and two runs side by side."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import figures, run_file
from tests.bench.figures import Figure, Goal, Verdict

_WIDE = 160  # columns, if the output is not a terminal
_OUT, _ERR = Console(width=None if sys.stdout.isatty() else _WIDE), Console(stderr=True)
_COLOURS = {Verdict.MISSED: "red", Verdict.MUST: "yellow", Verdict.AIM: "green", Verdict.NONE: ""}


@contextmanager
def print_duration(*names: str) -> Iterator[None]:
    """Print how long these figures took."""
    before = time.monotonic()
    yield
    _ERR.print(f"{', '.join(names)}: {time.monotonic() - before:.0f} s")


def print_figures(measured: Iterable[Figure], about: dict[str, Any]) -> None:
    machine = about["machine"]
    interpreter = run_file.interpreter_sentence(machine)
    shown = Table(
        title=f"{about['commit']} on {machine['cores']} × {machine['cpu']}, {interpreter}"
    )
    for name in ("figure", "value", "must", "aim", "ok?", "details"):
        shown.add_column(name, justify="left" if name in ("figure", "details") else "right")
    for figure in measured:
        shown.add_row(*_cells(figure))
    _OUT.print(shown)


def _cells(figure: Figure) -> tuple[str, ...]:
    goal, verdict = figures.GOALS.get(figure.name), figures.judge_figure(figure)
    must, aim = (_mark(goal, goal.must), _mark(goal, goal.aim)) if goal else ("", "")
    ok = {Verdict.MISSED: "no", Verdict.NONE: ""}.get(verdict, "yes")
    details = ", ".join(f"{name} {format_number(value)}" for name, value in figure.details.items())
    colour = _COLOURS[verdict]
    return (
        figure.name,
        _in(colour, format_number(figure.value)),
        must,
        aim,
        _in(colour, ok),
        details,
    )


def _in(colour: str, text: str) -> str:
    return f"[{colour}]{text}[/]" if colour else text


def _mark(goal: Goal, mark: float) -> str:
    return f"{'≤' if goal.lower else '≥'} {mark:g}"


def format_number(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_comparison(measured: Iterable[Figure], baseline: Iterable[Figure], commit: str) -> None:
    """Now ÷ then, with the details: a ratio can stay the same while both its sides change."""
    then = {name: value for figure in baseline for name, value in _numbers(figure)}
    shown = Table("figure", "then", "now", "now ÷ then", title=f"against {commit}")
    for name, value in (pair for figure in measured for pair in _numbers(figure)):
        if name in then:
            change = f"{value / then[name]:.3f}" if then[name] else "–"
            shown.add_row(name, format_number(then[name]), format_number(value), change)
    _OUT.print(shown)


def _numbers(figure: Figure) -> list[tuple[str, float]]:
    details = ((f"{figure.name}.{name}", value) for name, value in figure.details.items())
    return [(figure.name, figure.value), *details]
