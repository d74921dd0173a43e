"""Read-only queries: the status of a claim, and the coupons of a user."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import timestamps
from coupons.claims.values import Claim
from coupons.database import availability, clock
from coupons.errors import NotInstalled, StoreFailure, UnknownCoupon
from coupons.models import Campaign, Coupon
from coupons.store import store


class Status(StrEnum):
    NONE = "none"
    QUEUED = "queued"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """The status of a claim. `coupon` is set once it is issued."""

    status: Status
    place: int = 0
    admitted_ms: int = 0
    coupon: Coupon | None = None


def claim_status(campaign: CampaignSnapshot, claim: Claim) -> ClaimStatus:
    """The status of a claim. Redis is asked first, MySQL only if the user holds a place or if Redis
    can't answer.

    Raises StoreFailure, NotInstalled, DatabaseAway.
    """
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return _find_coupon(campaign, claim) or ClaimStatus(Status.NONE)
    try:
        place = store().admission.place_of(
            campaign.slug,
            user=claim.user,
            nth=claim.nth,
            per_user=campaign.per_user,
        )
    except (StoreFailure, NotInstalled):
        status = _find_coupon(campaign, claim)
        if status is None:
            raise  # "none" and "queued" can't be told apart
        return status
    if place is None:
        return ClaimStatus(Status.NONE)
    return _find_coupon(campaign, claim) or ClaimStatus(Status.QUEUED, *place)


def _find_coupon(campaign: CampaignSnapshot, claim: Claim) -> ClaimStatus | None:
    with availability.require_database():
        rows = _with_life(Coupon.objects.filter(user=claim.user, campaign_id=campaign.id))
        row = rows.filter(nth=claim.nth).first()
    if row is None:
        return None
    return ClaimStatus(Status.ISSUED, row.place, timestamps.milliseconds_of(row.admitted_at), row)


def coupons_of(user: str) -> QuerySet[Coupon]:
    """A user's coupons, newest campaign first; uses the index that begins with the user."""
    rows = _with_life(Coupon.objects.filter(user=user))
    return rows.select_related("campaign", "life").order_by("-slot_id")


def _with_life(coupons: QuerySet[Coupon]) -> QuerySet[Coupon]:
    """With the life of each, and the database's clock as `now`, by which it reads."""
    return coupons.select_related("life").annotate(now=clock.Now())


def coupon_of(user: str, code: str) -> Coupon:
    """The user's coupon with this code. Raises UnknownCoupon, for another user's code as well as
    for a missing one, and DatabaseAway."""
    with availability.require_database():
        rows = _with_life(Coupon.objects.filter(code=code, user=user))
        row = rows.select_related("campaign", "life").first()
    if row is None:
        raise UnknownCoupon("You have no coupon with this code.")
    return row
