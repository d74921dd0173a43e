"""Reading: where a claim stands, whose coupons these are. Decides nothing."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet

from coupons import timestamps
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.database import availability
from coupons.errors import NotInstalled, StoreFailure, UnknownCoupon
from coupons.models import Campaign, Coupon
from coupons.store import store


class Status(StrEnum):
    NONE = "none"
    QUEUED = "queued"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """Where a claim stands. `coupon` is there once it is issued."""

    status: Status
    place: int = 0
    admitted_ms: int = 0
    coupon: Coupon | None = None


def claim_status(campaign: CampaignSnapshot, claim: Claim) -> ClaimStatus:
    """Who holds no place is told so by Redis alone; MySQL is asked only for those who do.

    Raises StoreFailure, NotInstalled, DatabaseAway.
    """
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return _issued(campaign, claim) or ClaimStatus(Status.NONE)
    try:
        place = store().place_of(
            campaign.slug,
            user=claim.user,
            nth=claim.nth,
            per_user=campaign.per_user,
        )
    except (StoreFailure, NotInstalled):
        issued = _issued(campaign, claim)
        if issued is None:
            raise  # neither "none" nor "queued" is known
        return issued
    if place is None:
        return ClaimStatus(Status.NONE)
    return _issued(campaign, claim) or ClaimStatus(Status.QUEUED, *place)


def _issued(campaign: CampaignSnapshot, claim: Claim) -> ClaimStatus | None:
    with availability.require_database():
        row = Coupon.objects.filter(user=claim.user, campaign_id=campaign.id, nth=claim.nth).first()
    if row is None:
        return None
    return ClaimStatus(Status.ISSUED, row.place, timestamps.milliseconds_of(row.admitted_at), row)


def coupons_of(user: str) -> QuerySet[Coupon]:
    """A user's coupons, newest campaign first; found by the index that begins with the user."""
    return Coupon.objects.filter(user=user).select_related("campaign").order_by("-slot_id")


def coupon_of(user: str, code: str) -> Coupon:
    """Raises UnknownCoupon for absent and foreign codes alike, DatabaseAway."""
    with availability.require_database():
        row = Coupon.objects.filter(code=code, user=user).select_related("campaign").first()
    if row is None:
        raise UnknownCoupon("You have no coupon with this code.")
    return row
