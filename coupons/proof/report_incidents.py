"""What happened to a campaign while it ran, from its history: for the report's time line."""

from typing import Any

from coupons.audit import labels
from coupons.audit.actors import kind_of_actor
from coupons.claims.limits import slot_id
from coupons.claims.timestamps import milliseconds_of
from coupons.database import availability
from coupons.models import AuditActor, Campaign, CampaignEvent, CouponEvent, EventKind, Verb

MOST = 500
_KINDS = (
    EventKind.OPENED, EventKind.PAUSED, EventKind.RESUMED, EventKind.HELD, EventKind.RELEASED,
    EventKind.OVERRIDDEN, EventKind.STOCK_SET, EventKind.RESCHEDULED, EventKind.SOLD_OUT,
    EventKind.REBUILT, EventKind.CHECKED, EventKind.CLAIMS_REPLAYED, EventKind.CLAIM_GIVEN_UP,
    EventKind.RECEIPT_HONOURED, EventKind.GRANTED, EventKind.GIVEN_ON, EventKind.CLOSED,
    EventKind.PROVED, EventKind.PROOF_DIFFERS, EventKind.UNDONE,
    EventKind.APPROVAL_ASKED, EventKind.APPROVED, EventKind.APPROVAL_REFUSED,
)  # fmt: skip

# Steps of coupons that are incidents, too.
COUPON_KINDS = {
    "coupons_revoked": Verb.REVOKE,
    "coupons_given_back": Verb.GIVE_BACK,
    "revocations_undone": Verb.UNDO_REVOKE,
}


def list_incidents(campaign: Campaign) -> list[dict[str, Any]]:
    """In their order: when, what, and of which kind who did it is (`by`, a value of AuditActor).
    Without names and users, so that the report can be handed out. Raises DatabaseAway."""
    with availability.require_database():
        rows = list(campaign.events.filter(kind__in=_KINDS).order_by("at", "id")[:MOST])
    incidents = [_incident(row) for row in rows] + _coupon_incidents(campaign)
    return sorted(incidents, key=lambda one: one["at_ms"])[:MOST]


def _coupon_incidents(campaign: Campaign) -> list[dict[str, Any]]:
    """Revocations stand in the coupons' lives: those of one minute and one kind of actor are one
    incident, at the moment of the first. Raises DatabaseAway."""
    first, end = slot_id(campaign.pk, 0), slot_id(campaign.pk + 1, 0)
    with availability.require_database():
        steps = CouponEvent.objects.filter(
            coupon_id__gte=first, coupon_id__lt=end, verb__in=COUPON_KINDS.values()
        )
        rows = list(steps.order_by("at").values_list("at", "verb", "actor_kind"))
    kinds = {verb: kind for kind, verb in COUPON_KINDS.items()}
    grouped: dict[tuple[str, str, int], dict[str, Any]] = {}
    for at, verb, by in rows:
        at_ms = milliseconds_of(at)
        one = grouped.setdefault(
            (verb, by, at_ms // 60_000),
            {"at_ms": at_ms, "kind": kinds[Verb(verb)], "data": {"count": 0}, "by": by,
             "is_clock": by == AuditActor.CLOCK},
        )  # fmt: skip
        one["data"]["count"] += 1
    return list(grouped.values())


def _incident(row: CampaignEvent) -> dict[str, Any]:
    by = kind_of_actor(row.actor)
    return {
        "at_ms": milliseconds_of(row.at),
        "event": row.pk,
        "kind": row.kind,
        "data": _without_people(row.data or {}),
        "by": by.value,
        "is_clock": by is AuditActor.CLOCK,
    }


def whole_data(campaign: Campaign, incidents: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By event: what the report leaves out, for a page whose reader may see it. Raises
    DatabaseAway."""
    numbers = [one["event"] for one in incidents if "event" in one]
    with availability.require_database():
        rows = campaign.events.filter(pk__in=numbers)
        return {row.pk: row.data or {} for row in rows}


def _without_people(data: dict[str, Any]) -> dict[str, Any]:
    """Users, and what somebody typed, stay in the history. A pause's reason that was chosen from
    the list is not typed."""
    hidden = ("user", "why", "reason", "asked_by")
    return {
        name: "•••" if name in hidden and not _is_chosen(name, value) else value
        for name, value in data.items()
    }


def _is_chosen(name: str, value: object) -> bool:
    return name == "reason" and (not value or str(value) in labels.PAUSE_REASONS)
