"""A closed campaign's places: the receipt of each, and whether all of them are stored."""

from datetime import timedelta

from django.utils.translation import gettext as _

from coupons.campaigns import deciding_clock, slots
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.database import availability, clock
from coupons.errors import IllegalTransition
from coupons.models import Campaign, Coupon, Tally
from coupons.recovery import reconcile

# A claim of the last millisecond is committed, and the stores are compared, long before that.
SETTLED_AFTER = timedelta(seconds=60)

Receipts = list[str | None]


def read_receipts(known: CampaignSnapshot, first: int, last: int) -> Receipts:
    """The receipts of the coupons on these places, both included; None: there is no coupon. From
    the rows of the coupons alone. Raises DatabaseAway."""
    receipts: Receipts = [None] * (last - first + 1)
    with availability.require_database():
        rows = (
            Coupon.objects.filter(
                slot_id__gte=slot_id(known.id, first), slot_id__lte=slot_id(known.id, last)
            )
            .order_by("slot_id")
            .annotate(admitted_ms=clock.MillisecondsOf("admitted_at"))
        )
        for place, user, nth, ms in rows.values_list("place", "user", "nth", "admitted_ms"):
            receipts[place - first] = known.receipt_of(
                user=user, nth=nth, place=place, admitted_ms=ms
            )
    return receipts


def settled_places(campaign: Campaign) -> int:
    """How many places a closed campaign has given, once all of them are stored, given up, or known
    to be without a holder. Raises IllegalTransition with the reason why that is not so yet,
    StoreAway, DatabaseAway."""
    now = deciding_clock.deciding_now(campaign.strategy)
    if campaign.state != Campaign.State.CLOSED:
        raise IllegalTransition(_("{} is not closed.").format(campaign.slug))
    if now < campaign.closes_at + SETTLED_AFTER:
        raise IllegalTransition(_("{} has closed within the last minute.").format(campaign.slug))
    admitted = _admitted_by_redis(campaign) if _is_queued(campaign) else 0
    with availability.require_database():
        tally = Tally.objects.get(campaign=campaign)
        return max(admitted, tally.highest, slots.highest_coupon(campaign))


def _admitted_by_redis(campaign: Campaign) -> int:
    """The count of places given; raises IllegalTransition while a claim is on its way."""
    for counts in reconcile.count_claims([campaign]):
        if counts.waiting:
            raise IllegalTransition(_("Claims of {} wait to be stored.").format(campaign.slug))
        if counts.parked:
            text = _("Claims of {} are parked: replay them or give them up.")
            raise IllegalTransition(text.format(campaign.slug))
        if counts.gap > counts.holes:
            text = _("{}: the stores differ; reconcile has not looked yet.")
            raise IllegalTransition(text.format(campaign.slug))
        return counts.admitted
    raise IllegalTransition(_("{} is not in Redis: rebuild it first.").format(campaign.slug))


def _is_queued(campaign: Campaign) -> bool:
    return campaign.strategy == Campaign.Strategy.QUEUED
