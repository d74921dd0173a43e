"""Grants of a `direct` campaign: in MySQL alone, as its claims (`admission.direct`)."""

from collections.abc import Sequence

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import timestamps
from coupons.claims.values import AdmittedClaim
from coupons.database import clock
from coupons.grants.verdicts import Granted, Verdict
from coupons.issuing import writer
from coupons.models import Coupon, Tally
from coupons.store import Grantee

Key = tuple[str, int]  # user and nth


def grant_in_mysql(campaign: CampaignSnapshot, wanted: Sequence[Grantee]) -> list[Granted]:
    """Store a coupon for each grantee who has none. In the caller's transaction, which has locked
    the campaign's row and commits the raised stock with the coupons."""
    tally = (
        Tally.objects.select_for_update()
        .annotate(now_ms=clock.NowMs())
        .get(campaign_id=campaign.id)
    )
    known = _existing_places(campaign, [grantee.user for grantee in wanted])
    claims: dict[Key, AdmittedClaim] = {}
    for user, nth, request, _mac in wanted:
        if (user, nth) not in known and (user, nth) not in claims:
            place = tally.stored + 1 + len(claims)
            claims[user, nth] = AdmittedClaim(user, nth, place, tally.now_ms, request)
    if claims:
        writer.insert_rows(campaign, list(claims.values()))
    return [_granted(grantee, known, claims) for grantee in wanted]


def _existing_places(campaign: CampaignSnapshot, users: list[str]) -> dict[Key, tuple[int, int]]:
    """(user, nth) → (place, moment in ms) of the coupons that these users have."""
    rows = Coupon.objects.filter(campaign_id=campaign.id, user__in=users)
    return {
        (user, nth): (place, timestamps.milliseconds_of(at))
        for user, nth, place, at in rows.values_list("user", "nth", "place", "admitted_at")
    }


def _granted(
    grantee: Grantee, known: dict[Key, tuple[int, int]], claims: dict[Key, AdmittedClaim]
) -> Granted:
    """Of one user named twice, the first time counts as granted."""
    key = (grantee.user, grantee.nth)
    claim = claims.get(key)
    if claim is not None and claim.request == grantee.request:
        return Granted(*key, Verdict.GRANTED, claim.place, claim.admitted_ms)
    if claim is not None:
        return Granted(*key, Verdict.HAS_PLACE, claim.place, claim.admitted_ms)
    return Granted(*key, Verdict.HAS_PLACE, *known[key])
