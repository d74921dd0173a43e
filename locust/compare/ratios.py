"""The figures of the comparison from its rounds: medians and their ratios. Pure, without I/O."""

from collections.abc import Collection
from statistics import median
from typing import Any

from quantities import counted_noun

# At least these. A miss is printed and is no fault: load, servers and stores share the machine's
# cores, and with fewer or slower ones the faster designs lose more.
GOALS = {
    "rps_queued_over_direct": 11.0,
    "rps_queued_over_tutorial": 4.0,
    "rps_queued_over_fastapi": 1.3,
}
Rounds = dict[str, list[dict[str, Any]]]  # by contender


def summary_ratios(saturated: Rounds, offered: Rounds, wrk: Rounds) -> dict[str, float]:
    """The ratios; above 1 is in favour of `queued`."""
    return {
        "rps_queued_over_direct": _ratio(median_rps(saturated["B"]), median_rps(saturated["A"])),
        "mean_direct_over_queued": _ratio(
            median_mean_ms(offered["A"]), median_mean_ms(offered["B"])
        ),
        "rps_queued_over_tutorial": _ratio(median_rps(saturated["B"]), median_rps(saturated["C"])),
        "rps_queued_over_fastapi": _ratio(median_rps(wrk["B"]), median_rps(wrk["D"])),
        "rps_queued_over_fastapi_rs256": _ratio(median_rps(wrk["BR"]), median_rps(wrk["DR"])),
        "rps_queued_over_bare_asgi": _ratio(median_rps(wrk["B"]), median_rps(wrk["E"])),
    }


def ratio_lines(found: dict[str, Any]) -> list[str]:
    """The ratios as printed, each beside its goal."""
    return [
        f"{name:30} {value:8,.2f}{_verdict(name, value)}"
        for name, value in found.items()
        if "_over_" in name
    ]


def _verdict(name: str, value: float) -> str:
    goal = GOALS.get(name)
    return f"  goal ≥ {goal:g} {'✓' if value >= goal else '✗ missed'}" if goal else ""


def median_rps(rounds: list[dict[str, Any]]) -> float:
    return median(float(one["rps"]) for one in rounds)


def median_mean_ms(rounds: list[dict[str, Any]]) -> float:
    """The mean response time in ms; infinite if no claim was admitted."""
    return median(float(one["ms"].get("mean", "inf")) for one in rounds)


def median_figures(rounds: list[dict[str, Any]]) -> dict[str, float]:
    """Requests per second and the response times in ms, each the median of its rounds."""
    names = [name for name in rounds[0]["ms"] if name != "count"]
    times = {name: median(one["ms"].get(name, 0.0) for one in rounds) for name in names}
    return {"rps": median_rps(rounds), **times}


def list_faults(*, may_refuse: Collection[str] = (), **readings: Rounds) -> list[str]:
    """All faults that invalidate a round: a verdict with faults, or a claim not admitted, except by
    the contenders that `may_refuse`."""
    return [
        f"{reading}, {key}, round {number}: {fault}"
        for reading, rounds in readings.items()
        for key, all_of_it in rounds.items()
        for number, one in enumerate(all_of_it, 1)
        for fault in _of(one | {"not_admitted": 0} if key in may_refuse else one)
    ]


def _of(one: dict[str, Any]) -> list[str]:
    refused = one["not_admitted"]
    claims = counted_noun(refused, "claim was", "claims were")
    return list(one["faults"]) + ([f"{claims} not admitted."] if refused else [])


def _ratio(upper: float, lower: float) -> float:
    return round(upper / lower, 2) if lower else 0.0
