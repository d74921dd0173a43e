"""Admission: decide a claim by the campaign's strategy. One interface, two implementations."""

from collections.abc import Callable, Collection
from time import perf_counter

from coupons.admission import direct, queued
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import CouponError
from coupons.models import Campaign
from coupons.observability import hot_counters, refusal_notes


def admit(campaign: CampaignSnapshot, claim: Claim, *, segments: Collection[str] = ()) -> Admission:
    """Decide a claim, count it with its latency, and note a refusal. `segments` are those of the
    user's token.

    Idempotent: the same (user, nth) gets the same place and moment again. Raises StoreAway,
    StoreError, NotInstalled, QueueFull, OutcomeUnknown, DatabaseAway: the claim was not refused, a
    retry is safe.
    """
    began_s = perf_counter()
    try:
        admission = _decide(campaign, claim, segments)
    except CouponError as failure:
        hot_counters.count_claim(campaign.slug, failure.code, perf_counter() - began_s)
        refusal_notes.note_refusal(campaign.slug, claim.user, claim.nth, failure.code)
        raise
    hot_counters.count_claim(campaign.slug, admission.outcome, perf_counter() - began_s)
    if not admission.place:
        refusal_notes.note_refusal(
            campaign.slug, claim.user, claim.nth, admission.outcome, admission.at_ms,
            admission.last_place_ms,
        )  # fmt: skip
    return admission


def _decide(campaign: CampaignSnapshot, claim: Claim, segments: Collection[str]) -> Admission:
    if campaign.audience and campaign.audience not in segments:
        # An admitted user keeps the place, even if the shop has changed their segments since.
        return ADMITTED_BEFORE[campaign.strategy](campaign, claim) or Admission(
            Outcome.NOT_ELIGIBLE, 0, 0
        )
    return _decide_by_strategy(campaign, claim)


Decide = Callable[[CampaignSnapshot, Claim], Admission]
STRATEGIES: dict[str, Decide] = {
    Campaign.Strategy.QUEUED: queued.admit,
    Campaign.Strategy.DIRECT: direct.admit,
}
ADMITTED_BEFORE: dict[str, Callable[[CampaignSnapshot, Claim], Admission | None]] = {
    Campaign.Strategy.QUEUED: queued.admitted_before,
    Campaign.Strategy.DIRECT: direct.admitted_before,
}


def _decide_untraced(campaign: CampaignSnapshot, claim: Claim) -> Admission:
    return STRATEGIES[campaign.strategy](campaign, claim)


_decide_by_strategy: Decide = _decide_untraced


def trace_decisions_with(trace: Callable[[Decide], Decide] | None) -> None:
    """Set the hook around every decision of a strategy (`config.tracing` sets one); None removes
    it."""
    global _decide_by_strategy
    _decide_by_strategy = trace(_decide_untraced) if trace else _decide_untraced
