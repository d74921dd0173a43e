"""Why a user has a coupon, or none: what both stores know of one user of one campaign."""

from typing import Any

from coupons.attempts.described import describe_refusals
from coupons.attempts.finding import FoundRefusals, find_refusals
from coupons.attempts.sentences import HeldPlace, Story, customer_sentences
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.campaigns.sold_out import last_sold_out
from coupons.claims import coupon_codes, timestamps
from coupons.claims.values import Claim
from coupons.database import availability, clock
from coupons.errors import CouponError, NotInstalled, StoreFailure
from coupons.issuing import claim_status, queue
from coupons.issuing.claim_status import Status
from coupons.models import Campaign, Coupon, CouponEvent, GivenUp, WaitlistEntry
from coupons.redemption.states import life_of
from coupons.store import claimant_field, store

MOST_HELD = 20  # coupons of one user of which a sentence tells


def find_attempts(campaign: Campaign, user: str) -> dict[str, Any]:
    """JSON values; a part that could not be read says so. Raises DatabaseAway, MissingKey."""
    found = find_refusals(
        campaign_id=campaign.pk, slug=campaign.slug, key_id=campaign.key_id, user=user
    )
    known = {
        "user": user,
        "campaign": campaign.slug,
        "campaign_state": campaign.state,
        "segment_needed": campaign.audience or None,
        "places": _places(campaign, user),
        "coupons": _coupons(campaign, user),
        "waitlist": _waitlist(campaign, user),
        "parked": _parked(campaign, user),
        "given_up": _given_up(campaign, user),
        **describe_refusals(found),
    }
    return known | {"sentences": customer_sentences(_story(campaign, known, found))}


def _story(campaign: Campaign, known: dict[str, Any], found: FoundRefusals) -> Story:
    coupons = {one["nth"]: HeldPlace(one["place"], one["state"]) for one in known["coupons"]}
    is_unknown = isinstance(known["places"], dict)
    parked = known["parked"] if isinstance(known["parked"], list) else []
    stuck = {one["place"] for one in (*parked, *known["given_up"])}
    for one in () if is_unknown else known["places"]:
        coupons.setdefault(one["nth"], HeldPlace(one["place"], None, one["place"] in stuck))
    return Story(
        campaign.name,
        timestamps.milliseconds_of(campaign.opens_at),
        timestamps.milliseconds_of(campaign.closes_at),
        [coupons[nth] for nth in sorted(coupons)],
        found,
        is_unknown,
        *_stock_since(campaign),
    )


def _stock_since(campaign: Campaign) -> tuple[int | None, bool]:
    """When a raised stock sold out last, ms, and whether it was raised since."""
    again = last_sold_out(campaign)
    is_raised = campaign.stock - campaign.granted > campaign.sold_out_stock
    return (
        None if again is None else timestamps.milliseconds_of(again),
        campaign.sold_out_at is not None and is_raised,
    )


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
        "admitted_at": _iso(row.admitted_at),
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


def my_attempts(campaign: CampaignSnapshot, user: str) -> dict[str, Any]:
    """The same for the user: refusals and a sentence. MySQL is asked only for what was moved there,
    and for a place that Redis knows. Raises StoreFailure, NotInstalled, DatabaseAway."""
    found = find_my_refusals(campaign, user)
    held = []
    for nth in range(1, min(campaign.per_user, MOST_HELD) + 1):
        standing = claim_status.claim_status(campaign, Claim(user, nth))
        if standing.status is not Status.NONE:
            coupon = standing.coupon
            now: Any = getattr(coupon, "now", None)
            held.append(
                HeldPlace(standing.place, life_of(coupon).state_at(now) if coupon else None)
            )
    story = Story(campaign.name, campaign.opens_ms, campaign.closes_ms, held, found)
    return {
        "campaign": campaign.slug,
        **describe_refusals(found),
        "sentences": customer_sentences(story),
    }


def find_my_refusals(campaign: CampaignSnapshot, user: str) -> FoundRefusals:
    return find_refusals(
        campaign_id=campaign.id, slug=campaign.slug, key_id=campaign.key_id, user=user,
        always_stored=False,
    )  # fmt: skip
