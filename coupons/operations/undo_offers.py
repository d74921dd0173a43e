"""What can be undone now, for the buttons: nothing that would be refused (`undo.py` decides)."""

import math
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from coupons.campaigns import lifecycle, slots, undoable
from coupons.database import availability, clock
from coupons.errors import StoreFailure
from coupons.models import ApprovalRequest, Campaign, RequestState, Undoable, UndoableVerb
from coupons.operations import undo
from coupons.store import store

State = Campaign.State


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be undone for `left_s` seconds more. `count`: coupons of a list, or units
    of a raise. `change`: what undoing does: `60 → 43`, `paused → open`, `coupons: 12`."""

    id: int
    verb: UndoableVerb
    actor: str
    at: datetime
    left_s: int
    count: int
    change: str


def offered_undos(campaign: Campaign) -> list[Offer]:
    """What can be undone now, the newest first; of each verb the newest only, but every list. What
    would be refused is not offered."""
    with availability.require_database():
        now = clock.read_now()
        rows = Undoable.objects.filter(campaign=campaign, at__gt=now - undo.UNDO_FOR).order_by(
            "-id"
        )
        newest: dict[str, Undoable] = {}
        for row in rows:
            newest.setdefault(str(row.data.get("job", row.verb)), row)
    return [
        _offer(row, now, campaign)
        for row in newest.values()
        if row.undone_at is None and _is_offered(row, campaign)
    ]


def _offer(row: Undoable, now: datetime, campaign: Campaign) -> Offer:
    data = row.data
    count = data["after"] - data["before"] if "after" in data else data.get("count", 0)
    left_s = int((row.at + undo.UNDO_FOR - now).total_seconds())
    change = _change_text(row, campaign, count)
    who = _people(row, campaign)
    return Offer(row.pk, UndoableVerb(row.verb), who, row.at, left_s, count, change)


def _people(row: Undoable, campaign: Campaign) -> str:
    """Who did it; of a list that took two persons, who asked and who approved."""
    if row.verb != UndoableVerb.REVOKE:
        return row.actor
    approved = ApprovalRequest.objects.filter(
        campaign=campaign, state=RequestState.APPROVED, data__job=row.data["job"]
    ).first()
    if approved is None:
        return row.actor
    return _("{asked} (approved by {approved})").format(
        asked=approved.asked_by, approved=approved.decided_by
    )


def _change_text(row: Undoable, campaign: Campaign, count: int) -> str:
    if row.verb == UndoableVerb.STOCK:
        return f"{campaign.stock:,} → {campaign.stock - count:,}"
    if row.verb == UndoableVerb.PAUSE:
        return f"{State.PAUSED.label} → {State(row.data['state']).label}"
    return _("coupons: {}").format(f"{count:,}")


def _is_offered(row: Undoable, campaign: Campaign) -> bool:
    if row.verb == UndoableVerb.PAUSE:
        return campaign.state == State.PAUSED and not campaign.held
    if row.verb == UndoableVerb.STOCK:
        return campaign.state in lifecycle.LIVE and _can_lower(row, campaign)
    return bool(row.data.get("count", 0) <= undo.MOST_LINES)


def _can_lower(row: Undoable, campaign: Campaign) -> bool:
    """As `_undo_raise` will decide: the stock was not set again, and no place of the raise was
    given. False while Redis does not answer."""
    if undoable.count_stock_changes(campaign) != row.data["changes"] + 1:
        return False
    units: int = row.data["after"] - row.data["before"]
    return _last_given(campaign) <= campaign.stock - units


def _last_given(campaign: Campaign) -> float:
    """The highest place that was given; infinite: it is not known."""
    given = slots.highest_coupon(campaign)
    if campaign.strategy == Campaign.Strategy.DIRECT:
        return given
    try:
        gate = store().campaigns.gates([campaign.slug]).result(campaign.slug)
    except StoreFailure:
        return math.inf
    return math.inf if gate is None else max(given, gate.admitted)
