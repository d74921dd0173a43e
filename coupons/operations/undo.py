"""Undo: for `UNDO_FOR` after a verb, by the database's clock, its rows and keys can be restored.

Each undo is one change under the campaign's row lock, as the verb was, and is refused with a reason
where the verb can't be taken back any more: the place was given, the unit was given on, somebody
has changed the same thing since. It adds one event to the history (`EventKind.UNDONE`); the verb's
own event stays. `Undoable.undone_at` is set in the same transaction: of two undos one is refused.
Lists are undone in batches, each safe to repeat, and marked as undone by the last one.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.audit.actors import Actor
from coupons.bulk.jobs import REVOKED
from coupons.campaigns import lifecycle, slots, undoable, update
from coupons.campaigns.definition import ANY, Conditions
from coupons.campaigns.signals import campaign_changed
from coupons.database import availability, clock
from coupons.errors import (
    CouponConflict,
    IllegalTransition,
    Refused,
    StockBelowAdmitted,
    UnknownCoupon,
)
from coupons.grants.verdicts import Verdict
from coupons.models import (
    ActorKind,
    Campaign,
    Coupon,
    EventKind,
    JobLine,
    Undoable,
    UndoableVerb,
)
from coupons.redemption import lifecycle as coupon_life

UNDO_FOR = timedelta(minutes=10)
MOST_LINES = 10_000  # of a list that is undone while somebody waits for it
LINES_AT_ONCE = 20  # coupons that one transaction locks
State = Campaign.State


def undo_verb(pk: int, *, actor: str, reason: str = "", conditions: Conditions = ANY) -> Undoable:
    """Undo one. Raises Refused with the reason if it can't be undone any more, StockBelowAdmitted
    if a place of the raised stock was given, IllegalTransition, StoreAway, DatabaseAway: then
    nothing has changed. Of a list, coupons that are in use stay as they are."""
    row = _find_row(pk)
    if row.verb in (UndoableVerb.GRANTS, UndoableVerb.REVOKE):
        return _undo_list(row, actor, reason)
    with availability.require_database(), transaction.atomic():
        row = _lock_open(pk)
        campaign = _UNDOES[row.verb](row, actor, reason, conditions)
        _mark_undone(row, actor)
        if conditions.is_rehearsal:
            transaction.set_rollback(True)
            return row
    campaign_changed.send(sender=None)
    if campaign.slots_to_keep is not None:
        slots.remove_surplus_slots(campaign.slug)
    return row


def _find_row(pk: int) -> Undoable:
    with availability.require_database():
        row = Undoable.objects.select_related("campaign").filter(pk=pk).first()
    if row is None:
        raise Refused(_("There is nothing to undo."))
    return row


def _lock_open(pk: int) -> Undoable:
    """The row, locked. Raises Refused if it was undone, or is too old."""
    row = Undoable.objects.select_for_update().get(pk=pk)
    if row.undone_at is not None:
        raise Refused(_("{} has undone it already.").format(row.undone_by))
    if clock.read_now() > row.at + UNDO_FOR:
        raise Refused(_("It can be undone for 10 minutes only."))
    return row


def _mark_undone(row: Undoable, actor: str) -> None:
    row.undone_at, row.undone_by = clock.read_now(), actor[:150]
    open_rows = Undoable.objects.filter(pk=row.pk, undone_at__isnull=True)
    if open_rows.update(undone_at=row.undone_at, undone_by=row.undone_by) != 1:
        raise Refused(_("It was undone already."))


def _demand_newest(row: Undoable) -> None:
    later = Undoable.objects.filter(campaign=row.campaign, verb=row.verb, pk__gt=row.pk)
    if later.exists():
        raise Refused(_("The same was done again since: undo that."))


def _undo_pause(row: Undoable, actor: str, reason: str, conditions: Conditions) -> Campaign:
    """As it was. If its opening has come meanwhile, the clock records that, as ever."""
    frame = update.updating_campaign(
        row.campaign.slug, actor, EventKind.UNDONE, {State.PAUSED}, conditions=conditions,
        verb=row.verb, reason=reason,
    )  # fmt: skip
    with frame as campaign:
        _demand_newest(row)
        if campaign.held:
            raise IllegalTransition(_("It is held back since, for its board is red."))
        campaign.state = row.data["state"]
    return campaign


def _undo_raise(row: Undoable, actor: str, reason: str, conditions: Conditions) -> Campaign:
    """The units are taken back, unless a place of them was given. Grants have raised the stock
    since, and so has returned stock: that stays."""
    units = row.data["after"] - row.data["before"]
    frame = update.updating_campaign(
        row.campaign.slug, actor, EventKind.UNDONE, lifecycle.LIVE, conditions=conditions,
        last_ms=row.data.get("last_ms"), verb=row.verb, stock=row.data["before"], reason=reason,
    )  # fmt: skip
    with frame as campaign:
        if undoable.count_stock_changes(campaign) != row.data["changes"] + 1:
            raise Refused(_("The stock was changed again since."))
        stock = campaign.stock - units
        given = slots.highest_coupon(campaign)
        if given > stock:
            raise StockBelowAdmitted(update.below_admitted_text(campaign.slug, stock, given))
        lifecycle.set_stock(campaign, stock)
    return campaign


_Undo = Callable[[Undoable, str, str, Conditions], Campaign]
_UNDOES: dict[str, _Undo] = {UndoableVerb.PAUSE: _undo_pause, UndoableVerb.STOCK: _undo_raise}


# Lists


def _undo_list(row: Undoable, actor: str, reason: str) -> Undoable:
    with availability.require_database(), transaction.atomic():
        _lock_open(row.pk)
    if row.data.get("count", 0) > MOST_LINES:
        raise Refused(_("A list of more than {} lines can't be undone.").format(f"{MOST_LINES:,}"))
    undone = kept = 0
    for lines in _lines_of(row):
        with availability.require_database(), transaction.atomic():
            results = [_undo_line(row, line, actor, reason) for line in lines]
        undone, kept = undone + results.count(True), kept + results.count(False)
    with availability.require_database(), transaction.atomic():
        _lock_open(row.pk)
        campaign = Campaign.objects.get(pk=row.campaign_id)
        log.record_event(
            campaign, actor, EventKind.UNDONE, verb=row.verb, count=undone, kept=kept,
            reason=reason,
        )  # fmt: skip
        _mark_undone(row, actor)
    return row


def _lines_of(row: Undoable) -> Iterator[list[JobLine]]:
    verdict = Verdict.GRANTED.value if row.verb == UndoableVerb.GRANTS else REVOKED
    last = 0
    while True:
        with availability.require_database():
            rows = JobLine.objects.filter(job=row.data["job"], verdict=verdict, line__gt=last)
            lines = list(rows.order_by("line")[:LINES_AT_ONCE])
        if not lines:
            return
        yield lines
        last = lines[-1].line


def _undo_line(row: Undoable, line: JobLine, actor: str, reason: str) -> bool:
    """Whether it is undone now; False: its coupon is in use, or its unit was given on."""
    by = Actor(ActorKind.OPERATOR, actor)
    slot, why = int((line.detail or {})["coupon"]), reason or str(_("The list was undone."))
    try:
        with transaction.atomic():
            if row.verb == UndoableVerb.REVOKE:
                coupon_life.undo_revocation(slot, actor=by, reason=why)
            else:
                coupon_life.revoke_coupon(pk=slot, actor=by, reason=why)
    except UnknownCoupon:
        if Coupon.objects.filter(pk=slot).exists():
            raise
        raise Refused(_("Not all of its coupons are stored yet. Please do it again.")) from None
    except CouponConflict:
        return False
    return True
