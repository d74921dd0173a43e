"""Write rows of the audit log. Who and where come from `origin`."""

import json
import logging
from collections.abc import Iterable
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction

from coupons.audit import origin
from coupons.models import Act, AuditActor, AuditEvent, Campaign, EventKind
from coupons.models.bounds import as_one_line

MOST_TEXT = 500  # characters of one text
MOST_LINE = 2_000  # characters of a row in a log line
MOST_FIELDS = 60  # of `before` or `after`
MOST_BYTES = 16_000  # of `before` or `after` as JSON
_TEXTS = {"actor", "object_kind", "object_id", "address", "reason"}
_SIZES = {
    field.name: field.max_length or 0
    for field in AuditEvent._meta.concrete_fields
    if field.name in _TEXTS
}
Values = dict[str, Any] | None

logger = logging.getLogger(__name__)


def record_act(
    verb: Act | EventKind,
    *,
    kind: str = "",
    id: object = "",
    campaign: Campaign | int | None = None,
    user: str | None = None,
    before: Values = None,
    after: Values = None,
    reason: str = "",
    actor: str | None = None,
    actor_kind: AuditActor | None = None,
) -> AuditEvent:
    """Add a row, in the caller's transaction. `kind`, `id`: the object's. `actor`: another name
    than the origin's. Raises DatabaseError."""
    row = _row(verb, kind, id, campaign, user, before, after, reason, actor, actor_kind)
    row.save()
    origin.count_row()
    return row


def record_acts(rows: Iterable[AuditEvent]) -> None:
    """Add rows that `make_row` made."""
    origin.count_row()
    AuditEvent.objects.bulk_create(rows)


def make_row(verb: Act | EventKind, campaign: Campaign, actor: str, after: Values) -> AuditEvent:
    """Of a campaign's event. A command's row has who ran it."""
    given = None if origin.current_origin().kind is AuditActor.COMMAND else actor
    return _row(verb, "campaign", campaign.slug, campaign, None, None, after, "", given, None)


def record_or_log(verb: Act, **more: Any) -> None:
    """As `record_act`, for what has been done already and for reads: a database that is away is no
    reason to refuse it any more. The row is a line of the log then."""
    try:
        with transaction.atomic():
            record_act(verb, **more)
    except DatabaseError as failure:
        who = origin.current_origin()
        given = json.dumps(more, default=str)[:MOST_LINE]
        logger.error("audit row not stored: %s by %s: %s (%s)", verb, who, given, failure)


def _row(
    verb: Act | EventKind,
    kind: str,
    id: object,
    campaign: Campaign | int | None,
    user: str | None,
    before: Values,
    after: Values,
    reason: str,
    actor: str | None,
    actor_kind: AuditActor | None,
) -> AuditEvent:
    who = origin.current_origin()
    texts = {
        "actor": actor or who.name, "object_kind": kind, "object_id": str(id),
        "address": who.address, "reason": reason,
    }  # fmt: skip
    return AuditEvent(
        actor_kind=actor_kind or who.kind,
        verb=str(verb),
        campaign_id=campaign.pk if isinstance(campaign, Campaign) else campaign,
        user=user,
        request_id=origin.current_request() or None,
        before=bounded(before),
        after=bounded(after),
        **{name: as_one_line(text, _SIZES[name]) for name, text in texts.items()},
    )


def bounded(values: Values) -> Values:
    """JSON of at most MOST_BYTES; what is left out says so."""
    if not values:
        return None
    made = {name: _bounded_value(value) for name, value in list(values.items())[:MOST_FIELDS]}
    if len(json.dumps(made)) <= MOST_BYTES:
        return made
    return {name: as_one_line(json.dumps(value), 100) for name, value in made.items()}


def _bounded_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset | dict):
        as_json = json.dumps(value if isinstance(value, dict) else list(value), default=str)
        return json.loads(as_json) if len(as_json) <= MOST_TEXT else as_one_line(as_json, MOST_TEXT)
    return as_one_line(str(value), MOST_TEXT)
