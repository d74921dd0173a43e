"""The stock of a closed campaign in numbers, and whether the stores and the history agree."""

from typing import Any

from django.db.models import Count

from coupons.database import availability
from coupons.models import (
    Campaign,
    CouponLife,
    EventKind,
    GivenUp,
    Returned,
    Tally,
    WaitlistEntry,
    WaitlistState,
)
from coupons.proof.report_scan import Scan
from coupons.store import Gate


def count_stock(
    campaign: Campaign, gate: Gate | None, tally: Tally, *, admitted: int, scan: Scan
) -> dict[str, Any]:
    """`stock` is open to everyone, `granted` comes on top of it. Values of Redis are None if it
    does not have the campaign any more. Raises DatabaseAway."""
    with availability.require_database():
        returned = Returned.objects.filter(campaign=campaign).first() or Returned(campaign=campaign)
        lives = CouponLife.objects.filter(campaign=campaign)
        by_state = dict(lives.order_by().values_list("state").annotate(Count("pk")))
        counted = lives.filter(is_returned=True).count()
        given_up = GivenUp.objects.filter(campaign=campaign).count()
        granted_by_history = _granted_by_history(campaign)
    return {
        "stock": campaign.stock - campaign.granted,
        "granted": campaign.granted,
        "granted_by_history": granted_by_history,
        "granted_by_redis": gate and gate.granted,
        "is_direct": campaign.strategy == Campaign.Strategy.DIRECT,
        "admitted": admitted,
        "stored": scan.coupons,
        "stored_by_tally": tally.stored,
        "waiting": gate and gate.waiting,
        "parked": gate and gate.parked,
        "given_up": given_up,
        "returned": returned.returned,
        "returned_by_coupons": counted,
        "given_on": returned.given_on,
        "over": max(0, admitted - campaign.stock),
        "under": max(0, campaign.stock - admitted),
        "states": by_state,
    }


def find_wrong_counts(counts: dict[str, Any]) -> dict[str, Any]:
    """Counts that contradict each other, by name."""
    granted, told = counts["granted"], counts["granted_by_history"]
    # A process that dies between Redis and its commit leaves units without a line in the history.
    is_granted_wrong = granted != told if counts["is_direct"] else granted < told
    wrong = {
        "stored": counts["stored"] != counts["stored_by_tally"],
        "granted": is_granted_wrong or counts["granted_by_redis"] not in (None, granted),
        "returned": counts["returned"] != counts["returned_by_coupons"],
        "given_on": counts["given_on"] > counts["returned"],
    }
    names = [name for name, is_wrong in wrong.items() if is_wrong]
    return {"count": len(names), "places": [], "names": names, "is_checked": True}


def _granted_by_history(campaign: Campaign) -> int:
    """Grants that the history has, and the places of the waitlist, which have no line each."""
    events = campaign.events.filter(kind=EventKind.GRANTED)
    counts = [(event.data or {}).get("count") for event in events]
    served = WaitlistEntry.objects.filter(
        campaign=campaign, state=WaitlistState.SERVED, place__isnull=False
    )
    return sum(count for count in counts if isinstance(count, int)) + served.count()
