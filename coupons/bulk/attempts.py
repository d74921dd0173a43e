"""Why a user has a coupon, or none: what both stores know of one user of one campaign."""

from typing import Any

from coupons.claims import coupon_codes, timestamps
from coupons.database import availability, clock
from coupons.errors import CouponError, NotInstalled, StoreFailure
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, CouponEvent, GivenUp, WaitlistEntry
from coupons.redemption.states import life_of
from coupons.store import claimant_field, store


def find_attempts(campaign: Campaign, user: str) -> dict[str, Any]:
    """JSON values; a part that could not be read says so. Raises DatabaseAway."""
    return {
        "user": user,
        "campaign": campaign.slug,
        "campaign_state": campaign.state,
        "segment_needed": campaign.audience or None,
        "places": _places(campaign, user),
        "coupons": _coupons(campaign, user),
        "waitlist": _waitlist(campaign, user),
        "parked": _parked(campaign, user),
        "given_up": _given_up(campaign, user),
    }


def _places(campaign: Campaign, user: str) -> Any:
    """The places that Redis knows. An empty list: the user asked too late, or never."""
    if campaign.strategy != Campaign.Strategy.QUEUED:
        return []
    nths = range(1, campaign.per_user + 1)
    fields = [claimant_field.encode_field(user, nth, campaign.per_user) for nth in nths]
    try:
        store().campaigns.gate(campaign.slug)
        places = store().recovery.places_of(campaign.slug, fields)
    except (StoreFailure, NotInstalled) as error:
        return {"unknown": error.code}
    return [
        {"nth": nth, "place": place[0], "admitted_at": timestamps.iso_of(place[1])}
        for nth, place in zip(nths, places, strict=True)
        if place is not None
    ]


def _coupons(campaign: Campaign, user: str) -> list[dict[str, Any]]:
    with availability.require_database():
        now = clock.read_now()
        rows = Coupon.objects.filter(user=user, campaign=campaign).select_related("life")
        return [_coupon(row, now) for row in rows.order_by("nth")]


def _coupon(row: Coupon, now: Any) -> dict[str, Any]:
    return {
        "coupon": str(row.pk),
        "nth": row.nth,
        "place": row.place,
        "code": coupon_codes.grouped_code(row.code),
        "state": life_of(row).state_at(now),
        "expires_at": _iso(row.expires_at),
        "request_id": row.request_id,
        "events": [
            {
                "at": _iso(event.at),
                "verb": event.verb,
                "by": event.actor_kind,
                "reason": event.reason,
            }
            for event in CouponEvent.objects.filter(coupon=row).order_by("version")
        ],
    }


def _waitlist(campaign: Campaign, user: str) -> dict[str, Any] | None:
    with availability.require_database():
        entry = WaitlistEntry.objects.filter(campaign=campaign, user=user).first()
    if entry is None:
        return None
    return {
        "number": entry.number,
        "state": entry.state,
        "asked_at": _iso(entry.asked_at),
        "reason": entry.reason or None,
    }


def _parked(campaign: Campaign, user: str) -> Any:
    """Claims that can't be stored, each with its reason."""
    if campaign.strategy != Campaign.Strategy.QUEUED:
        return []
    found = []
    try:
        for entry in _parked_entries(campaign.slug):
            if entry.fields.get(b"u") == user.encode():
                claim = queue.claim_of(entry)
                reason = entry.fields.get(b"reason", b"").decode(errors="replace")
                found.append({"place": claim.place if claim else None, "reason": reason})
    except CouponError as error:
        return {"unknown": error.code}
    return found


def _parked_entries(slug: str) -> Any:
    entries = store().queue.parked_entries(slug, count=queue.PAGE)
    while entries:
        yield from entries
        entries = store().queue.parked_entries(slug, after=entries[-1].id, count=queue.PAGE)


def _given_up(campaign: Campaign, user: str) -> list[dict[str, Any]]:
    with availability.require_database():
        rows = GivenUp.objects.filter(campaign=campaign, user=user)
        return [{"place": row.place, "reason": row.reason, "why": row.why} for row in rows]


def _iso(at: Any) -> str:
    return timestamps.iso_of(timestamps.milliseconds_of(at))
