"""The chart of a comparison: `plot.py compare.json compare.png`."""

import json
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import matplotlib

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from option_types import SentenceParser, input_file, output_file

NAMES = {
    "A": "A  direct", "B": "B  queued", "BR": "B  queued, RS256", "C": "C  tutorial",
    "D": "D  FastAPI", "DR": "D  FastAPI, RS256", "E": "E  bare ASGI",
}  # fmt: skip
COLOURS = {"A": "#8a97a5", "B": "#1f6f8b", "BR": "#6fa9bd", "C": "#d9a441", "D": "#b5533c",
           "DR": "#d39683", "E": "#6b7f3f"}  # fmt: skip
PERCENTILES = ("p50", "p90", "p95", "p99", "max")


def draw_comparison(found: dict[str, Any]) -> Any:
    figure, axes = pyplot.subplots(2, 2, figsize=(13, 9.5))
    figure.set_layout_engine("constrained", h_pad=0.12, w_pad=0.15)
    figure.suptitle(_title(found), fontsize=15, x=0.01, ha="left", fontweight="bold")
    draw_rates(
        axes[0][0], found, "saturated", f"Requests per second, {found['seats']} Locust users"
    )
    draw_times(axes[0][1], found, "saturated", "Response time at saturation")
    draw_rates(
        axes[1][0], found, "wrk", f"Requests per second, wrk with {found['seats']} connections"
    )
    draw_times(
        axes[1][1], found, "offered",
        f"Response time, {found['offered_per_s']:,} people who think for 1 s",
    )  # fmt: skip
    figure.supxlabel(_caption(found), fontsize=9, color="#5a6773", x=0.01, ha="left")
    return figure


def _title(found: dict[str, Any]) -> str:
    return (
        f"Queued: {found['rps_queued_over_direct']:.1f} × the requests of direct,"
        f" {found['mean_direct_over_queued']:,.0f} × faster answers under overload"
    )


def _caption(found: dict[str, Any]) -> str:
    told = "told = stored in every round" if not found["faults"] else "WITH FAULTS, see the JSON"
    return (
        f"Medians of {found['rounds']} round(s), dots are the rounds; every claim a new user,"
        f" admitted; {told}.\n{found['machine']}, shared by load, servers and stores;"
        f" commit {found['commit']}, {found['at']}."
    )


def draw_rates(axes: Axes, found: dict[str, Any], reading: str, title: str) -> None:
    medians, rounds = found["medians"][reading], found["readings"][reading]
    keys = sorted(medians)
    axes.barh(
        [NAMES[key] for key in keys], [medians[key]["rps"] for key in keys],
        color=[COLOURS[key] for key in keys], height=0.6,
    )  # fmt: skip
    for place, key in enumerate(keys):
        seen = [one["rps"] for one in rounds[key]]
        behind = (max(seen), place)  # the last dot, which may be outside of the bar
        said = f"{medians[key]['rps']:,.0f}/s"
        axes.annotate(said, behind, (9, -4), textcoords="offset points", fontsize=11)
        axes.plot(seen, [place] * len(seen), "o", color="#1c2733", markersize=4, alpha=0.7)
    axes.set_ylim(max(len(keys), 3) - 0.4, -0.6)  # so that two bars are as thick as four
    axes.margins(x=0.18)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    _plain(axes, title)


def draw_times(axes: Axes, found: dict[str, Any], reading: str, title: str) -> None:
    medians = found["medians"][reading]
    for key in sorted(medians):
        named = [name for name in PERCENTILES if medians[key].get(name)]
        label = f"{NAMES[key]}, mean {medians[key].get('mean', 0):,.1f} ms"
        values = [medians[key][name] for name in named]
        axes.plot(named, values, "o-", color=COLOURS[key], label=label, linewidth=2)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,g} ms")
    axes.yaxis.set_minor_formatter("")  # otherwise it writes 6×10² between them
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=2)
    _plain(axes, title)
    axes.grid(axis="y", alpha=0.25)
    axes.margins(y=0.15)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)


def main() -> None:
    asked = parser().parse_args()
    draw_comparison(asked.found).savefig(asked.picture, dpi=130)


def parser() -> SentenceParser:
    it = SentenceParser(description=__doc__)
    it.add_argument("found", type=_comparison, help="build/compare.json")
    it.add_argument("picture", type=output_file)
    return it


def _comparison(said: str) -> dict[str, Any]:
    file = input_file(said)
    try:
        found: dict[str, Any] = json.loads(file.read_text())
        if {"medians", "readings", "rounds"} <= found.keys():
            return found
    except (ValueError, AttributeError):
        pass
    raise ArgumentTypeError(f"{said!r} is no result of a comparison.")


if __name__ == "__main__":
    main()
