"""How many have asked for a campaign's coupons: the counts of all processes, added up in Redis.

The sink of `observability.hot_counters`, on its thread: one round trip for all campaigns, twice a
second. Every answered claim is counted, also one that is asked again; failures are not.
"""

from collections import Counter

from coupons.claims.values import HOLDS_A_PLACE, Outcome
from coupons.errors import StoreFailure
from coupons.observability import metrics
from coupons.observability.hot_counters import Counts
from coupons.store import live, store

_OUTCOMES = frozenset(Outcome)


def add_claim_counts(counts: Counts) -> None:
    """Add them to the campaigns' counts in Redis. Never raises a StoreFailure: after a lost reply
    they may have been added, so they are not sent again, and counted as lost."""
    asked: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for (slug, outcome), count in counts.items():
        if outcome in _OUTCOMES:
            asked[slug] += count
            refused[slug] += 0 if outcome in HOLDS_A_PLACE else count
    if not asked:
        return
    try:
        store().live.add_counts({slug: live.Counts(asked[slug], refused[slug]) for slug in asked})
    except StoreFailure:
        metrics.COUNTS_LOST.inc(asked.total())
