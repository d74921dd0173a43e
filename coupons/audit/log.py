"""Write and read a campaign's history."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coupons import dry_run
from coupons.audit import origin, trail, watched
from coupons.models import AuditActor, Campaign, CampaignEvent, EventKind
from coupons.models.bounds import as_one_line, one_line

TEXT_CHARS = 500  # longest reason or other text in an event
# Of an event's data, what its row in the audit log has as fields before and after.
_SHOWN_ELSEWHERE = ("reason", "was", "moved")
_ACTOR_CHARS = CampaignEvent._meta.get_field("actor").max_length or 0


def record_event(
    campaign: Campaign,
    actor: str,
    kind: EventKind,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    **data: Any,
) -> CampaignEvent:
    """Add an event, and its row in the audit log. `data`: JSON values; see `EventKind` for their
    names. `before`, `after`: by field; without them what the last save of `campaign` changed."""
    event = _event(campaign, actor, kind, data | ({"reason": reason} if reason else {}))
    with transaction.atomic():
        event.save()
        _record_act(event, before, after, reason)
    dry_run.noted("events")  # its row is rolled back
    return event


def record_events(
    entries: Iterable[tuple[Campaign, dict[str, Any]]], actor: str, kind: EventKind
) -> None:
    """Add an event of one kind to many campaigns, each with its own data."""
    events = [_event(campaign, actor, kind, data) for campaign, data in entries]
    with transaction.atomic():
        CampaignEvent.objects.bulk_create(events)
        trail.record_acts(
            trail.make_row(kind, event.campaign, actor, event.data) for event in events
        )


def record_event_at(
    at: datetime, campaign: Campaign, actor: str, kind: EventKind, **data: Any
) -> CampaignEvent:
    """Add an event with the time of another clock than this host's, for later comparisons with that
    clock."""
    event = record_event(campaign, actor, kind, **data)
    event.at = at
    event.save(update_fields=["at"])
    return event


def _record_act(
    event: CampaignEvent, before: trail.Values, after: trail.Values, reason: str
) -> None:
    """The event's row in the audit log: what changed, then what else the event tells."""
    was, now = watched.take_changes(event.campaign)
    data = {
        name: value for name, value in (event.data or {}).items() if name not in _SHOWN_ELSEWHERE
    }
    who = origin.current_origin()
    by_command = who.kind is AuditActor.COMMAND
    is_origin = by_command or event.actor in (who.name, f"key {who.name}")
    if by_command and event.actor != "manage.py":
        data["by"] = event.actor  # as the command line says; the row has who really ran it
    trail.record_act(
        EventKind(event.kind),
        kind="campaign",
        id=event.campaign.slug,
        campaign=event.campaign,
        user=data["user"] if isinstance(data.get("user"), str) else None,
        before=before or was,
        after={**(after or now or {}), **data},
        reason=reason or str((event.data or {}).get("reason", "")),
        actor=None if is_origin else event.actor,
        actor_kind=who.kind if is_origin else AuditActor.CLOCK,
    )


def reason_text(given: str) -> str:
    """An operator's reason, stripped. Raises ValidationError if it is empty, too long, or more than
    one line."""
    reason = given.strip()
    if not reason:
        raise ValidationError(_("Give a reason: it is kept in the campaign's history."))
    _demand_length(reason)
    one_line(reason)
    return reason


def typed_reason(given: str) -> str:
    """A reason as it was typed, in one line; empty: none. Raises ValidationError if it is too long:
    what is cut off would be missed later."""
    reason = as_one_line(given, len(given)).strip()
    _demand_length(reason)
    return reason


def _demand_length(reason: str) -> None:
    if len(reason) > TEXT_CHARS:
        text = _("Give a reason of at most %(most)s characters.")
        raise ValidationError(text % {"most": TEXT_CHARS})


def hold_event(campaign: Campaign) -> CampaignEvent | None:
    """The event that put the opening on hold; None: it is not on hold."""
    return _newest(campaign, EventKind.HELD) if campaign.held else None


def override_event(campaign: Campaign) -> CampaignEvent | None:
    """The event of the override of a red board, with actor and reason; None: not overridden."""
    return _newest(campaign, EventKind.OVERRIDDEN) if campaign.overridden else None


def planned_at(campaign: Campaign) -> datetime | None:
    """When the opening was last scheduled or moved; None: it is a draft."""
    newest = _newest(campaign, EventKind.SCHEDULED, EventKind.RESCHEDULED)
    return newest.at if newest else None


def _newest(campaign: Campaign, *kinds: EventKind) -> CampaignEvent | None:
    return campaign.events.filter(kind__in=kinds).first()


def _event(campaign: Campaign, actor: str, kind: EventKind, data: dict[str, Any]) -> CampaignEvent:
    return CampaignEvent(
        campaign=campaign,
        actor=as_one_line(actor, _ACTOR_CHARS),
        kind=kind,
        data={name: _clean(value) for name, value in data.items()},
    )


def _clean(value: Any) -> Any:
    return as_one_line(value, TEXT_CHARS) if isinstance(value, str) else value
