"""The `direct` strategy: one MySQL transaction with a row lock per claim, no Redis.

The baseline of the benchmarks, and sufficient for small campaigns. Same outcomes as `queued`.
"""

from django.db import transaction

from coupons.campaigns import last_place
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import timestamps
from coupons.claims.values import Admission, AdmittedClaim, Claim, Outcome
from coupons.database import availability, clock
from coupons.errors import UnknownCampaign
from coupons.issuing import writer
from coupons.models import Campaign, Coupon, Tally
from coupons.observability import request_id


def admit(campaign: CampaignSnapshot, claim: Claim) -> Admission:
    """Decide and store a claim in one transaction that locks the campaign's tally row.

    Raises DatabaseAway (nothing was decided), UnknownCampaign.
    """
    with availability.require_database(), transaction.atomic():
        tally = (
            Tally.objects.select_for_update()
            .select_related("campaign")
            .annotate(now_ms=clock.NowMs())
            .filter(campaign_id=campaign.id)
            .first()
        )
        if tally is None:
            raise UnknownCampaign
        earlier = _find_admission(campaign, claim)
        if earlier:
            return earlier
        refusal = _refusal(tally.campaign, tally.stored, tally.now_ms)
        if refusal:
            return _refused(tally, refusal)
        place = tally.stored + 1
        writer.insert_rows(
            campaign,
            [
                AdmittedClaim(
                    claim.user, claim.nth, place, tally.now_ms, request_id.current_request_id()
                )
            ],
        )
        return Admission(Outcome.ADMITTED, place, tally.now_ms)


def _refused(tally: Tally, outcome: Outcome) -> Admission:
    now_ms: int = tally.now_ms  # type: ignore[attr-defined] # annotated above
    if outcome is not Outcome.SOLD_OUT:
        return Admission(outcome, 0, now_ms)
    return Admission(outcome, 0, now_ms, last_place.last_place_ms(tally.campaign, tally.stored))


def admitted_before(campaign: CampaignSnapshot, claim: Claim) -> Admission | None:
    """The admission this claim already has, or None. Read only. Raises DatabaseAway."""
    with availability.require_database():
        return _find_admission(campaign, claim)


def _find_admission(campaign: CampaignSnapshot, claim: Claim) -> Admission | None:
    row = Coupon.objects.filter(user=claim.user, campaign_id=campaign.id, nth=claim.nth).first()
    if row is None:
        return None
    at_ms = timestamps.milliseconds_of(row.admitted_at)
    return Admission(Outcome.ALREADY_CLAIMED, row.place, at_ms)


def _refusal(campaign: Campaign, stored: int, now_ms: int) -> Outcome | None:
    if now_ms >= timestamps.milliseconds_of(campaign.closes_at):
        return Outcome.CLOSED
    if campaign.state == Campaign.State.PAUSED:
        return Outcome.PAUSED
    if now_ms < timestamps.milliseconds_of(campaign.opens_at):
        return Outcome.NOT_OPEN
    return Outcome.SOLD_OUT if stored >= campaign.stock else None
