"""The report as one self-contained file: embedded charts, and the figures as a table."""

import base64
import io
from collections.abc import Mapping
from functools import partial
from html import escape
from itertools import pairwise
from typing import Any

import charts
from charts import Run
from matplotlib import pyplot

_STYLE = """
:root { color-scheme: light }
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 1100px; margin: 40px auto;
       padding: 0 20px }
h1 { font-size: 26px; margin-bottom: 4px } h2 { margin-top: 48px; font-size: 20px }
.quiet { color: #5a6773 }
.picture { overflow-x: auto; margin-top: 16px } img { width: 100%; min-width: 800px }
table { border-collapse: collapse; margin-top: 16px } td, th { padding: 6px 18px 6px 0;
       text-align: right; white-space: nowrap; border-bottom: 1px solid #e3e7ea;
       font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left; white-space: normal }
.bad { color: #ba2121; font-weight: bold }
"""


def render_page(runs: Mapping[str, Run]) -> str:
    """`runs`: by strategy; with both of them, the comparison comes first."""
    one = next(iter(runs.values()))
    parts = [f"<h1>{_headline(runs)}</h1>", f'<p class="quiet">{escape(_where(one))}</p>']
    parts.append(_table(runs))
    if {"direct", "queued"} <= runs.keys():
        parts.append(
            "<h2>Before and after</h2>"
            + _picture(charts.draw_before_and_after(dict(runs)), "Both strategies side by side")
        )
    for road, run in runs.items():
        parts.append(
            f"<h2>{escape(road)}</h2>"
            + _picture(charts.draw_run(run), f"{road}: rate, response times, coupons, processors")
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>An opening</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )


def _headline(runs: Mapping[str, Run]) -> str:
    one = next(iter(runs.values()))
    well = all(run["verdict"]["well"] for run in runs.values())
    end = "every told coupon is stored" if well else '<span class="bad">with faults</span>'
    return f"{charts.crowd_and_stock(one)}: {end}"


def _where(run: Run) -> str:
    return (
        f"{run['machine']}, shared by load generator, site and stores; load average"
        f" {run['busy']:g} at the end; commit {run['commit']}, {run['at']}."
    )


def _processor_s(part: str, run: Run) -> str:
    """CPU seconds of a part during the sampling."""
    samples = run.get("samples", ())
    spent = sum(
        after["cpu"].get(part, 0.0) * (after["at"] - before["at"])
        for before, after in pairwise(samples)
    )
    return f"{spent:,.1f} s" if samples else "–"


# name, function that reads it from a record
_ROWS: tuple[tuple[str, Any], ...] = (
    ("told: admitted", lambda run: f"{run['verdict']['told']:,}"),
    ("stored", lambda run: f"{run['verdict']['stored']:,}"),
    ("answers a second, busiest second", lambda run: f"{_busiest(run):,.0f}"),
    ("admitted: p50", lambda run: _ms(run, "admitted", "p50")),
    ("admitted: p99", lambda run: _ms(run, "admitted", "p99")),
    ("sold out: p50", lambda run: _ms(run, "sold_out", "p50")),
    ("errors", lambda run: f"{run['figures']['outcomes']['error']['count']:,}"),
    (
        "all stored after the last answer",
        lambda run: _seconds(run["figures"]["all_stored_within_s"]),
    ),
    ("claims sent late by the load generator", lambda run: f"{run['figures']['asked_late']:,}"),
    *(
        (f"processor time: {charts.LABELS.get(part, part)}", partial(_processor_s, part))
        for part in charts.PARTS
    ),
)


def _table(runs: Mapping[str, Run]) -> str:
    head = "".join(f"<th>{escape(road)}</th>" for road in ("", *runs))
    rows = [
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{escape(read(run))}</td>" for run in runs.values())
        + "</tr>"
        for name, read in _ROWS
    ]
    faults = [
        f'<p class="bad">{escape(road)}: {escape(fault)}</p>'
        for road, run in runs.items()
        for fault in run["verdict"]["faults"]
    ]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>{''.join(faults)}"


def _busiest(run: Run) -> float:
    """Answers in the busiest second that starts at a step."""
    step_s, steps = run["timeline"]["step_s"], run["timeline"]["steps"]
    counts = [(s["at"], sum(o["count"] for o in s["outcomes"].values())) for s in steps]
    return max(
        (sum(n for at, n in counts if begin <= at < begin + 1 - step_s / 2) for begin, _ in counts),
        default=0.0,
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,} s"


def _ms(run: Run, group: str, share: str) -> str:
    value = run["figures"]["outcomes"][group].get(share)
    return "–" if value is None else f"{value:,.1f} ms"


def _picture(figure: Any, seen: str) -> str:
    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=120)
    pyplot.close(figure)
    coded = base64.b64encode(raw.getvalue()).decode()
    return f'<p class="picture"><img alt="{escape(seen)}" src="data:image/png;base64,{coded}"></p>'
