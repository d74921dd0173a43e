"""Reports the verdict: a table on the screen, and a JSON file."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from config.development.demo.figures import Figures
from config.development.demo.second_act import SecondAct
from config.development.demo.verdict import Verdict
from config.development.process import screen


def write_record(path: Path, verdict: Verdict, figures: Figures, act: SecondAct) -> None:
    both = asdict(verdict) | asdict(act)
    counts = {name: value for name, value in both.items() if name != "faults"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(counts | asdict(figures), indent=2) + "\n")


def show_record(verdict: Verdict, figures: Figures) -> None:
    table = Table(title="Verdict", title_justify="left", show_header=False, min_width=60)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, value, is_right in _counts(verdict):
        table.add_row(name, f"{value:,}" if is_right else f"[bold red]{value:,}[/]")
    table.add_section()
    for name, text in _measures(figures):
        table.add_row(name, text)
    screen.console.print(table)
    for fault in verdict.faults:
        screen.say_error(f"✗ {fault}")


def _counts(verdict: Verdict) -> list[tuple[str, int, bool]]:
    return [
        ("told: users who were told that they hold a coupon", verdict.told, True),
        ("stored: coupons in the database", verdict.stored, verdict.stored == verdict.told),
        ("duplicates: two for a user or a place", verdict.duplicates, not verdict.duplicates),
        ("over-issued: beyond the stock", verdict.over_issued, not verdict.over_issued),
        ("lost: told and not stored as told", verdict.lost, not verdict.lost),
        ("changed answers", verdict.changed_answers, not verdict.changed_answers),
    ]


def _measures(figures: Figures) -> list[tuple[str, str]]:
    return [
        ("opening until sold out", _with_unit(figures.sold_out_after_s, "s")),
        ("last admission until all are stored", _with_unit(figures.stored_after_s, "s")),
        ("answers per second", f"{figures.rps:,.0f}"),
        ("admitted: p50, p99", _pair(figures.admitted_p50_ms, figures.admitted_p99_ms)),
        ("sold out: p50, p99", _pair(figures.sold_out_p50_ms, figures.sold_out_p99_ms)),
    ]


def _pair(middle: float | None, high: float | None) -> str:
    return f"{_with_unit(middle, 'ms')}, {_with_unit(high, 'ms')}"


def _with_unit(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,} {unit}"
