"""Who asked, second by second, for the proof report."""

from collections import Counter
from typing import Any

from coupons.campaigns import demand
from coupons.campaigns.demand import DEMAND_BUCKETS_MS, DemandSecond
from coupons.claims.timestamps import milliseconds_of
from coupons.claims.values import Outcome
from coupons.errors import StoreFailure
from coupons.models import Campaign

MOST_SECONDS = 900  # that are listed one by one, from the first in which somebody asked
_OUTCOMES = frozenset(Outcome)
_TURNED_AWAY = ("overloaded", "too_many_requests")


def demand_figures(campaign: Campaign) -> dict[str, Any]:
    """`totals` by outcome or code; `seconds`: [second after the opening, {outcome: count}]; latency
    percentiles are upper bounds of their bucket, None: beyond all. Raises DatabaseAway."""
    return figures_of(_read(campaign), milliseconds_of(campaign.opens_at))


def figures_of(seconds: list[DemandSecond], opens_ms: int) -> dict[str, Any]:
    """The same of seconds that were read already."""
    totals, latency = Counter[str](), [0] * (len(DEMAND_BUCKETS_MS) + 1)
    for second in seconds:
        totals.update(second.counts)
        latency = [sum(pair) for pair in zip(latency, second.latency, strict=True)]
    return {
        "asked": totals.total(),
        "totals": dict(totals),
        "seconds": [
            [(second.second_ms - _second_of(opens_ms)) // 1000, second.counts]
            for second in _listed(seconds, opens_ms)
        ],
        "refused": sum(totals[one] for one in _OUTCOMES - {"admitted", "already_claimed"}),
        "turned_away": sum(totals[code] for code in _TURNED_AWAY),
        "latency": {
            "bounds_ms": list(DEMAND_BUCKETS_MS),
            "counts": latency,
            **{f"p{percent}": _percentile(latency, percent) for percent in (50, 95, 99)},
        },
    }


def _read(campaign: Campaign) -> list[DemandSecond]:
    """What MySQL has alone, if Redis is away."""
    try:
        return demand.read_demand(campaign)
    except StoreFailure:
        return demand.kept_demand(campaign)


def _listed(seconds: list[DemandSecond], opens_ms: int) -> list[DemandSecond]:
    """Around the opening: from a minute before it."""
    return [one for one in seconds if one.second_ms >= opens_ms - 60_000][:MOST_SECONDS]


def _second_of(ms: int) -> int:
    return ms - ms % 1000


def _percentile(counts: list[int], percent: int) -> int | None:
    """The upper bound of the bucket, ms; None: beyond all, or nobody asked."""
    wanted, passed = sum(counts) * percent / 100, 0
    for bound, count in zip(DEMAND_BUCKETS_MS, counts, strict=False):
        passed += count
        if count and passed >= wanted:
            return bound
    return None
