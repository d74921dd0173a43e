"""How many have asked for a campaign's coupons: the counts of all processes, added up in Redis.

The sink of `observability.hot_counters`, on its thread: one round trip for all campaigns, twice a
second. Every answered claim is in `asked`, also one that is asked again; failures are not. The
demand by seconds (`demand`) has all of them: outcomes, failures, and who was turned away.
"""

from collections import defaultdict

from coupons.claims.values import HOLDS_A_PLACE, Outcome
from coupons.errors import StoreFailure
from coupons.observability import metrics
from coupons.observability.hot_counters import Counts
from coupons.store import store
from coupons.store.demand import Counted

_OUTCOMES = frozenset(Outcome)


def add_claim_counts(counts: Counts) -> None:
    """Add them to the campaigns' counts in Redis. Never raises a StoreFailure: after a lost reply
    they may have been added, so they are not sent again, and counted as lost."""
    words: dict[str, dict[str, int]] = defaultdict(dict)
    for (slug, word), count in counts.items():
        words[slug][word] = count
    if not words:
        return
    counted = {slug: _counted(own) for slug, own in words.items()}
    try:
        store().demand.add_counts(counted)
    except StoreFailure:
        metrics.COUNTS_LOST.inc(sum(each.asked for each in counted.values()))


def _counted(words: dict[str, int]) -> Counted:
    asked = sum(count for word, count in words.items() if word in _OUTCOMES)
    placed = sum(count for word, count in words.items() if word in HOLDS_A_PLACE)
    return Counted(asked, asked - placed, words)
