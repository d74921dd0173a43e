"""Admission: the decision about a claim, by the campaign's strategy. One interface, two roads."""

from collections.abc import Callable, Collection
from time import perf_counter

from coupons.admission import direct, queued
from coupons.campaigns.snapshot import Facts
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import CouponError
from coupons.models import Campaign
from coupons.observability import hot_counters


def admit(facts: Facts, claim: Claim, *, segments: Collection[str] = ()) -> Admission:
    """Decide a claim, once and for all.

    Asking again for the same (user, nth) returns the same place and moment. Raises StoreAway,
    NotInstalled, QueueFull, OutcomeUnknown, DatabaseAway: nothing was refused, asking again is
    safe.
    """
    began_s = perf_counter()
    try:
        admission = _decide(facts, claim, segments)
    except CouponError as failure:
        hot_counters.claim(facts.slug, failure.code, perf_counter() - began_s)
        raise
    hot_counters.claim(facts.slug, admission.outcome, perf_counter() - began_s)
    return admission


def _decide(facts: Facts, claim: Claim, segments: Collection[str]) -> Admission:
    if facts.audience and facts.audience not in segments:
        # Whoever was admitted keeps the answer, also when the shop moved them elsewhere since.
        return KNOWN[facts.strategy](facts, claim) or Admission(Outcome.NOT_ELIGIBLE, 0, 0)
    return STRATEGIES[facts.strategy](facts, claim)


STRATEGIES: dict[str, Callable[[Facts, Claim], Admission]] = {
    Campaign.Strategy.QUEUED: queued.admit,
    Campaign.Strategy.DIRECT: direct.admit,
}
KNOWN: dict[str, Callable[[Facts, Claim], Admission | None]] = {
    Campaign.Strategy.QUEUED: queued.admitted_before,
    Campaign.Strategy.DIRECT: direct.admitted_before,
}
