"""Rows of the audit log as an operator may see them: words; users' ids only with their right."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import ngettext

from coupons.admin.audit import log_words
from coupons.admin.formatting import exact_time
from coupons.admin.rights import HIDDEN, may_see_users
from coupons.audit.entries import SEARCHED_COUPON, STEP
from coupons.claims.limits import PLACES_PER_CAMPAIGN
from coupons.models import Act, AuditActor, AuditEvent, Campaign, CouponEvent

# Values that hold a user's id or a coupon's code, by field.
_IDS = {"user", "users", "code", "text", "receipt", "line"}
MOST_SHOWN = 6  # fields of a row that is not folded
MOST_TOLD = 2  # fields that a folded row tells
_SAYS_LITTLE = {"", "–", "•••", "••• (changed)"}
COLUMNS = (
    "at", "actor_kind", "actor", "verb", "object_kind", "object", "campaign", "user", "address",
    "request_id", "before", "after", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    field: str
    before: str
    after: str


def exported_rows(
    rows: Iterable[AuditEvent | CouponEvent], request: HttpRequest
) -> Iterator[dict[str, Any]]:
    """As the export has them: a campaign by its slug, or its number if it was deleted."""
    slugs: dict[int, str] = {}
    for row in rows:
        plain = plain_row(row, request)
        number = plain["campaign"]
        if number is not None and number not in slugs:
            found = Campaign.objects.filter(pk=number).values_list("slug", flat=True).first()
            slugs[number] = found or str(number)
        yield plain | {"campaign": slugs.get(number)}


def plain_row(row: AuditEvent | CouponEvent, request: HttpRequest) -> dict[str, Any]:
    """By COLUMNS. Without their right, no user's id."""
    sees = may_see_users(request)
    made = _act(row) if isinstance(row, AuditEvent) else _step(row)
    if not sees:
        made["user"] = HIDDEN if made["user"] else None
        for name in ("before", "after"):
            made[name] = _hidden(made[name])
        if made["actor_kind"] == AuditActor.USER:
            made["actor"] = HIDDEN
        if (made["object_kind"], made["verb"]) == SEARCHED_COUPON:
            made["object"] = HIDDEN
    return made


def shown_row(row: AuditEvent | CouponEvent, request: HttpRequest) -> dict[str, Any]:
    """As the page has it."""
    plain = plain_row(row, request)
    kind = plain["object_kind"]
    changes = _changes(kind, plain["before"], plain["after"])
    return plain | {
        "at": exact_time(row.at),
        "actor_kind": log_words.actor_label(plain["actor_kind"]),
        "verb": log_words.verb_label(plain["verb"]),
        "object_kind": log_words.kind_label(kind),
        "changes": changes,
        "folded": _summary(changes) if len(changes) > MOST_SHOWN else "",
        "is_read": plain["verb"] in (Act.READ, Act.SEARCHED, Act.EXPORTED),
    }


def _act(row: AuditEvent) -> dict[str, Any]:
    return {
        "at": row.at.isoformat(), "actor_kind": row.actor_kind, "actor": row.actor,
        "verb": row.verb, "object_kind": row.object_kind, "object": row.object_id,
        "campaign": row.campaign_id, "user": row.user, "address": row.address,
        "request_id": row.request_id or "", "before": row.before, "after": row.after,
        "reason": row.reason,
    }  # fmt: skip


def _step(row: CouponEvent) -> dict[str, Any]:
    after = {"state": row.after, "order_ref": row.order_ref, **row.data}
    return {
        "at": row.at.isoformat(), "actor_kind": row.actor_kind, "actor": row.actor,
        "verb": row.verb, "object_kind": STEP, "object": str(row.coupon_id),
        "campaign": row.coupon_id // PLACES_PER_CAMPAIGN, "user": None,
        "address": row.address or "", "request_id": row.request_id or "",
        "before": {"state": row.before},
        "after": {name: value for name, value in after.items() if value is not None},
        "reason": row.reason,
    }  # fmt: skip


def _hidden(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if not values:
        return values
    return {name: HIDDEN if name in _IDS else value for name, value in values.items()}


def _changes(
    kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> list[Change]:
    was, now = before or {}, after or {}
    names = [*now, *(name for name in was if name not in now)]
    return [
        Change(log_words.field_label(kind, name), _text(kind, was, name), _text(kind, now, name))
        for name in names
    ]


def _text(kind: str, values: dict[str, Any], name: str) -> str:
    return log_words.value_text(kind, name, values[name]) if name in values else ""


def _summary(changes: list[Change]) -> str:
    """Of a folded list: how many fields, and the first ones' new values."""
    text = ngettext("{} field", "{} fields", len(changes)).format(len(changes))
    told = [
        f"{one.field} {one.after or one.before}" for one in changes if one.after not in _SAYS_LITTLE
    ]
    return f"{text}: {', '.join(told[:MOST_TOLD])} …"
