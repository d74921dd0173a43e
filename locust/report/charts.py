"""The charts of a run: rate, response times by outcome, waiting and stored coupons, CPU."""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, floor, log10
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from quantities import counted_noun

# One colour per meaning in all charts; outcomes have the admin's colours.
OUTCOMES = {
    "admitted": ("admitted", "#e0a030"), "already": ("already claimed", "#8a97a5"),
    "sold_out": ("sold out", "#7a5ea8"), "refused": ("refused", "#c98bb0"),
    "error": ("error", "#ba2121"),
}  # fmt: skip
PARTS = {
    "web": "#1f6f8b", "worker": "#2f8f5b", "Redis": "#ba2121", "database": "#d9a441",
    "beat": "#7a5ea8", "consumer": "#c98bb0", "load": "#c3cad1", "else": "#eef0f2",
}  # fmt: skip
LABELS = {"load": "load generator", "else": "anything else here"}
STORED, WAITING, ASKED = "#2f8f5b", "#e0a030", "#1c2733"
ROADS = {"direct": "#8a97a5", "queued": "#1f6f8b"}
QUIET = "#5a6773"

_SETTLED = [name for name in OUTCOMES if name != "error"]  # an error is followed by a retry

Run = dict[str, Any]  # a Locust record; with `samples` if the machine was sampled


def draw_run(run: Run) -> Figure:
    """The charts of a run over seconds after the opening."""
    watched = bool(run.get("samples"))
    figure, axes = pyplot.subplots(
        4 if watched else 2, 1, figsize=(11, 12.5 if watched else 6.5), sharex=True, squeeze=False
    )
    figure.set_layout_engine("constrained", h_pad=0.1)
    figure.suptitle(_title(run), fontsize=14, x=0.01, ha="left", fontweight="bold")
    draw_rates(axes[0][0], run)
    draw_times(axes[1][0], run)
    if watched:
        draw_storing(axes[2][0], run)
        draw_processors(axes[3][0], run)
    axes[-1][0].set_xlim(*_span(run))
    axes[-1][0].set_xlabel("seconds after the opening", color=QUIET)
    return figure


def crowd_and_stock(run: Run) -> str:
    """Such as `6,000 people, 1 coupon`."""
    people = counted_noun(run["users"], "person", "people")
    return f"{people}, {counted_noun(run['stock'], 'coupon')}"


def _title(run: Run) -> str:
    verdict = run["verdict"]
    told = f"{verdict['told']:,} told = {verdict['stored']:,} stored"
    if not verdict["well"]:
        told += ", WITH FAULTS"
    return f"{run['strategy']}: {crowd_and_stock(run)}, {told}"


def _span(run: Run) -> tuple[float, float]:
    """The time range: just before the opening until all was answered and stored."""
    last = max((step["at"] for step in run["timeline"]["steps"]), default=1.0)
    stored = [at for at, count in _stored(run) if count < run["verdict"]["stored"]]
    return -1.0, max([last, *stored]) + 1.0


def _series(run: Run, value: Any) -> tuple[list[float], list[float]]:
    """(times, values) for every step, empty steps included."""
    step_s = run["timeline"]["step_s"]
    known = {round(step["at"] / step_s): step for step in run["timeline"]["steps"]}
    if not known:
        return [], []
    numbers = range(min(*known, 0), max(known) + 2)
    return [n * step_s for n in numbers], [value(known.get(n)) for n in numbers]


def _count(step: Any, group: str) -> float:
    return float(step["outcomes"].get(group, {}).get("count", 0)) if step else 0.0


def draw_rates(axes: Axes, run: Run) -> None:
    step_s = run["timeline"]["step_s"]
    groups = [name for name in OUTCOMES if any(_series(run, lambda s, n=name: _count(s, n))[1])]
    layers = [_series(run, lambda s, n=name: _count(s, n) / step_s)[1] for name in groups]
    at, asked = _series(run, lambda s: s["asked"] / step_s if s else 0.0)
    axes.stackplot(
        at, *layers, step="post", colors=[OUTCOMES[name][1] for name in groups],
        labels=[f"answered: {OUTCOMES[name][0]}" for name in groups], alpha=0.9,
    )  # fmt: skip
    axes.step(at, asked, where="post", color=ASKED, linewidth=1.3, label="claims sent")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    style_axes(axes, "Requests per second")


def draw_times(axes: Axes, run: Run) -> None:
    for group, (label, colour) in OUTCOMES.items():
        steps = [s for s in run["timeline"]["steps"] if group in s["outcomes"]]
        if not steps:
            continue
        at = [s["at"] + run["timeline"]["step_s"] / 2 for s in steps]
        told = [s["outcomes"][group] for s in steps]
        below = 1.5 if group == "error" else 2  # errors are retried: draw them below the others
        axes.plot(at, [t["p50"] for t in told], color=colour, linewidth=2, label=f"{label}: p50",
                  zorder=below)  # fmt: skip
        axes.plot(at, [t["p99"] for t in told], color=colour, linewidth=1.2, linestyle=":",
                  label=f"{label}: p99", zorder=below)  # fmt: skip
    _decades(axes)
    style_axes(axes, "Response time, counted from the moment a person meant to press")


def _decades(axes: Axes) -> None:
    """Extend the log scale to whole decades, so that each chart has labelled grid lines."""
    axes.set_yscale("log")
    low, high = axes.dataLim.y0, axes.dataLim.y1
    axes.set_ylim(10 ** floor(log10(max(low, 0.1))), 10 ** ceil(log10(max(high, 1.1))))
    axes.yaxis.set_major_formatter("{x:,g} ms")


def _stored(run: Run) -> list[tuple[float, int]]:
    return [
        (sample["at"] - run["opens_at"], sample["stored"])
        for sample in run.get("samples", ())
        if sample["stored"] is not None
    ]


def draw_storing(axes: Axes, run: Run) -> None:
    at, admitted = _series(run, lambda s: _count(s, "admitted"))
    told = list(accumulate(admitted))
    axes.step(at, told, where="post", color=WAITING, linewidth=2, label="told: admitted")
    stored = _stored(run)
    axes.plot([a for a, _ in stored], [c for _, c in stored], color=STORED, linewidth=2,
              label="stored in MySQL")  # fmt: skip
    waiting = [
        (sample["at"] - run["opens_at"], sample["waiting"][run["campaign"]])
        for sample in run["samples"]
        if run["campaign"] in sample["waiting"]
    ]
    if waiting:
        axes.plot([a for a, _ in waiting], [c for _, c in waiting], "o", markersize=4,
                  color=ASKED, label="waiting, as Prometheus sees it")  # fmt: skip
    axes.yaxis.set_major_formatter("{x:,.0f}")
    style_axes(axes, "Coupons: told, stored, waiting")


def draw_processors(axes: Axes, run: Run) -> None:
    samples = run["samples"]
    at = [sample["at"] - run["opens_at"] for sample in samples]
    names = [name for name in PARTS if any(name in sample["cpu"] for sample in samples)]
    layers = [_smooth([sample["cpu"].get(name, 0.0) for sample in samples]) for name in names]
    labels = [LABELS.get(name, name) for name in names]
    axes.stackplot(at, *layers, colors=[PARTS[name] for name in names], labels=labels, alpha=0.9)
    axes.axhline(run["cores"], color=ASKED, linewidth=1, linestyle="--")
    axes.set_ylim(0, run["cores"] * 1.12)
    style_axes(axes, f"Processor cores in use, of {run['cores']}")


def _smooth(values: Sequence[float]) -> list[float]:
    """Average over three samples: the kernel counts CPU time in ticks of ten milliseconds."""
    padded = [values[0], *values, values[-1]] if values else []
    return [sum(padded[i : i + 3]) / 3 for i in range(len(values))]


def draw_before_and_after(runs: dict[str, Run]) -> Figure:
    """The write-up's chart: the same load with both strategies."""
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2))
    figure.set_layout_engine("constrained", w_pad=0.15)
    figure.suptitle(_ratio(runs), fontsize=14, x=0.01, ha="left", fontweight="bold")
    for road, run in runs.items():
        at, counts = _series(run, lambda s: sum(_count(s, name) for name in _SETTLED))
        axes[0].plot(at, list(accumulate(counts)), color=ROADS[road], linewidth=2.5, label=road)
        told = run["figures"]["outcomes"]["admitted"]
        shares = [name for name in ("p50", "p90", "p95", "p99", "max") if name in told]
        label = f"{road}, mean {told.get('mean', 0):,.0f} ms"
        values = [told[name] for name in shares]
        axes[1].plot(shares, values, "o-", color=ROADS[road], linewidth=2.5, label=label)
    axes[0].yaxis.set_major_formatter("{x:,.0f}")
    axes[0].set_xlabel("seconds after the opening", color=QUIET)
    _decades(axes[1])
    axes[1].tick_params(axis="x", pad=9)  # clear of the scale's lowest label
    style_axes(axes[0], "People with a final answer")
    style_axes(axes[1], "Response time of those who got a coupon")
    return figure


def _ratio(runs: dict[str, Run]) -> str:
    mean = {road: run["figures"]["outcomes"]["admitted"].get("mean") for road, run in runs.items()}
    if not (mean["direct"] and mean["queued"]):
        return "The same crowd, one transaction per request and queued"
    return f"The same crowd: answers {mean['direct'] / mean['queued']:,.0f} × sooner when queued"


def style_axes(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
