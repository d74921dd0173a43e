"""The `queued` strategy: Redis decides in one atomic step, a worker stores."""

import time
from collections.abc import Callable

from coupons.admission import recent, refusal_cache
from coupons.broker import wakeups
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import queue_macs
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import CouponError, NotInstalled, QueueFull, ServerChanged
from coupons.observability import request_id
from coupons.store import Decision, store


def admit(campaign: CampaignSnapshot, claim: Claim) -> Admission:
    """Decide a claim in one round trip to Redis: take a place, store the claimant and queue the
    claim, atomically. Before the opening and after sell-out most claims need no round trip: see
    `refusal_cache`.

    Raises StoreAway, StoreError, OutcomeUnknown, NotInstalled, QueueFull, ServerChanged; and what
    `verify` of `verify_servers_with` raises.
    """
    asked_s = time.monotonic()
    cached = refusal_cache.cached_refusal(campaign, claim, asked_s)
    if cached is not None:
        return cached
    try:
        decision = _decide_in_redis(campaign, claim)
    except ServerChanged:  # raised before any command was sent
        if not _verify_server():
            raise
        decision = _decide_in_redis(campaign, claim)
    if decision.place:
        refusal_cache.note_holder(campaign, claim)
        recent.remember_admission(campaign, claim, decision.place, decision.at_ms)
    elif decision.outcome in _ERRORS:
        if decision.outcome == "not_installed":
            recent.publish_admissions(campaign)
        raise _ERRORS[decision.outcome](_ERROR_TEXTS[decision.outcome].format(campaign.slug))
    if decision.wake_drain and not wakeups.notify_drain(campaign.slug):
        store().wakeups.shorten_lost(campaign.slug)
    if decision.version:
        refusal = Admission(
            Outcome(decision.outcome), 0, decision.at_ms, decision.last_place_ms, decision.opens_ms
        )
        refusal_cache.cache_refusal(campaign, refusal, decision, asked_s=asked_s)
        return refusal
    return Admission(Outcome(decision.outcome), decision.place, decision.at_ms)


def verify_servers_with(verify: Callable[[], bool]) -> None:
    """Set the hook that compares a restarted or promoted Redis server with MySQL. `verify` returns
    whether the server may decide; it raises StoreAway, DatabaseAway if that can't be determined."""
    global _verify_server
    _verify_server = verify


def _no_server_verified() -> bool:
    return False


_verify_server: Callable[[], bool] = _no_server_verified


def _decide_in_redis(campaign: CampaignSnapshot, claim: Claim) -> Decision:
    return store().admission.admit(
        campaign.slug,
        user=claim.user,
        nth=claim.nth,
        per_user=campaign.per_user,
        filter_blocks=campaign.filter_blocks,
        mac=queue_macs.sign_claim(
            campaign.key, claim.user, claim.nth, request_id.current_request_id()
        ),
    )


def admitted_before(campaign: CampaignSnapshot, claim: Claim) -> Admission | None:
    """The admission this claim already has, or None. Read only. Raises StoreAway, StoreError,
    NotInstalled."""
    found = store().admission.place_of(
        campaign.slug,
        user=claim.user,
        nth=claim.nth,
        per_user=campaign.per_user,
    )
    if found:
        refusal_cache.note_holder(campaign, claim)
    return found and Admission(Outcome.ALREADY_CLAIMED, *found)


_ERRORS: dict[str, type[CouponError]] = {"not_installed": NotInstalled, "queue_full": QueueFull}
_ERROR_TEXTS = {
    "not_installed": "The campaign {!r} is closed for repair. Please try again.",
    "queue_full": "Too many claims of {!r} wait to be stored. Please try again.",
}
