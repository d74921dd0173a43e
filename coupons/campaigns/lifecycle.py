"""State machine of a campaign: draft → scheduled → open → paused → closed, with a history.

MySQL owns the definition; Redis gets a copy with every change, before the change commits. If a
crash between the two leaves them different, the order is chosen so that too few coupons are issued
until the change is made again, never too many.
"""

import secrets
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.campaigns import (
    confirmations,
    deciding_clock,
    slots,
    undoable,
    update,
    voided_requests,
)
from coupons.campaigns.definition import ANY, Conditions, demand_version
from coupons.campaigns.slots import Progress, no_progress
from coupons.claims import holder_filter
from coupons.claims.limits import MAX_STOCK
from coupons.database import availability
from coupons.errors import (
    IllegalTransition,
    OpeningPassed,
    Refused,
    StockBelowAdmitted,
    UnknownCampaign,
)
from coupons.models import Campaign, Coupon, EventKind, GivenUp, Tally, UndoableVerb

State = Campaign.State
CLOCK = "clock"  # the actor of automatic changes in the history
_RUNNING = frozenset({State.SCHEDULED, State.OPEN})
LIVE = frozenset({State.SCHEDULED, State.OPEN, State.PAUSED})


def save_draft(
    campaign: Campaign,
    *,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
    conditions: Conditions = ANY,
    copied_from: str = "",
) -> Campaign:
    """Save a campaign that is not public yet. `copied_from`: the slug of the campaign whose terms a
    new one has, for its history. Raises ValidationError, IllegalTransition,
    VersionChanged, NeedsConfirmation (unusual terms), UnknownCampaign (deleted meanwhile),
    DatabaseAway."""
    is_new = campaign._state.adding
    if is_new:
        campaign.key_id = next(iter(settings.COUPON_KEYS))
        campaign.state = State.DRAFT
    if campaign.state != State.DRAFT:
        raise IllegalTransition(_not_a_draft_text(campaign))
    # A new epoch with every edit: keys left by an interrupted scheduling may not fit.
    campaign.epoch = secrets.token_hex(8)
    # Bounded, since full_clean refuses a larger stock only below.
    campaign.filter_blocks = holder_filter.block_count(min(campaign.stock or 1, MAX_STOCK))
    campaign.full_clean()
    confirmations.ask_about_terms(campaign, confirmed)
    with availability.require_database(), transaction.atomic():
        if not is_new:
            # Else this save would undo a scheduling made meanwhile.
            demand_version(_lock_draft(campaign), conditions)
        _save(campaign)
        Tally.objects.get_or_create(campaign=campaign)
        source: dict[str, Any] = {"copied_from": copied_from} if is_new and copied_from else {}
        log.record_event(
            campaign, actor, EventKind.CREATED if is_new else EventKind.EDITED, **source
        )
        if conditions.is_rehearsal:
            transaction.set_rollback(True)
    return campaign


def _save(campaign: Campaign) -> None:
    """Save. Raises ValidationError if another operator has taken the slug since it was checked."""
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError:
        campaign.validate_unique()  # raises the form's own error
        raise


def delete_draft(campaign: Campaign) -> None:
    """Delete a draft. Raises IllegalTransition for anything that has been public."""
    while True:
        remove_slots(campaign)
        with availability.require_database(), transaction.atomic():
            _lock_draft(campaign)
            if slots.highest_slot(campaign) == 0:  # else a scheduling is making slots meanwhile
                campaign.delete()
                return


def remove_slots(campaign: Campaign, *, tell: Progress = no_progress) -> None:
    """Remove slots left by an interrupted scheduling. Raises IllegalTransition unless it is a draft
    without coupons."""
    last = None
    while last != 0:
        with availability.require_database(), transaction.atomic():
            _lock_draft(campaign)
            _demand_no_coupons(campaign)
            last = slots.remove_batch(campaign, last or slots.highest_slot(campaign), down_to=0)
        tell(last, 0)


def _demand_no_coupons(campaign: Campaign) -> None:
    """Raises IllegalTransition if an interrupted scheduling has admitted users."""
    if any(rows.filter(campaign=campaign).exists() for rows in (Coupon.objects, GivenUp.objects)):
        raise IllegalTransition(
            _("{} can't be deleted: coupons of it are stored.").format(campaign.slug)
        )


def schedule_campaign(
    slug: str,
    *,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
    conditions: Conditions = ANY,
    tell: Progress = no_progress,
) -> Campaign:
    """Make a draft public and install it in Redis; it opens by the deciding store's own clock.

    Its slots are committed first: from the moment it is in Redis, admitted claims can be stored,
    even if this process dies before the state `scheduled` is committed. Raises NeedsConfirmation if
    it would open at once, IllegalTransition, and what `update.updating_campaign` raises.
    """
    confirmations.ask_about_opening(slug, confirmed)
    if not conditions.is_rehearsal:
        _demand_version_now(slug, conditions)
        slots.make_slots(slug, 0, tell=tell)
    frame = update.updating_campaign(
        slug, actor, EventKind.SCHEDULED, {State.DRAFT}, conditions=conditions
    )
    with frame as campaign:
        if campaign.closes_at <= _now(campaign):
            raise IllegalTransition(
                _("{} would be closed already: it closes in the past.").format(slug)
            )
        set_stock(campaign, campaign.stock, conditions)
        campaign.state, campaign.overridden = State.SCHEDULED, False
    if not conditions.is_rehearsal:
        _remove_surplus(campaign, tell)  # slots left by an earlier try with a higher stock
    return campaign


def open_now(slug: str, *, actor: str, conditions: Conditions = ANY) -> Campaign:
    """Open before the scheduled time. Raises IllegalTransition unless scheduled."""
    frame = update.updating_campaign(
        slug, actor, EventKind.OPENED, {State.SCHEDULED}, conditions=conditions
    )
    with frame as campaign:
        campaign.opens_at = min(campaign.opens_at, _now(campaign))
        _announce_by_opening(campaign)
        campaign.state = State.OPEN
    return campaign


def pause_campaign(
    slug: str, *, actor: str, reason: str = "", conditions: Conditions = ANY
) -> Campaign:
    """Stop admitting. Places given stay given and are stored. Can be undone for a while
    (`coupons.operations`). Raises IllegalTransition, ValidationError (a reason of many lines)."""
    data: dict[str, Any] = {"reason": log.reason_text(reason)} if reason else {}
    frame = update.updating_campaign(
        slug, actor, EventKind.PAUSED, _RUNNING, conditions=conditions, **data
    )
    with frame as campaign:
        undoable.record_undoable(campaign, UndoableVerb.PAUSE, actor, state=campaign.state)
        campaign.state = State.PAUSED
    return campaign


def resume_campaign(slug: str, *, actor: str, conditions: Conditions = ANY) -> Campaign:
    """Resume a paused campaign. Raises IllegalTransition for an opening hold: overriding that needs
    a reason (`opening_hold.override_hold`)."""
    frame = update.updating_campaign(
        slug, actor, EventKind.RESUMED, {State.PAUSED}, conditions=conditions
    )
    with frame as campaign:
        if campaign.held:
            raise IllegalTransition(
                _("{} is held back, for its board is red: override that with a reason.").format(
                    slug
                )
            )
        campaign.state = by_the_clock(campaign)
    return campaign


def by_the_clock(campaign: Campaign) -> str:
    """`open` or `scheduled`, by the opening time."""
    return State.OPEN if campaign.opens_at <= _now(campaign) else State.SCHEDULED


def close_campaign(slug: str, *, actor: str, conditions: Conditions = ANY) -> Campaign:
    """Close the campaign now. Final. Raises IllegalTransition unless it is live."""
    frame = update.updating_campaign(slug, actor, EventKind.CLOSED, LIVE, conditions=conditions)
    with frame as campaign:
        campaign.closes_at = min(campaign.closes_at, _now(campaign))
        campaign.opens_at = min(campaign.opens_at, campaign.closes_at - timedelta(milliseconds=1))
        _announce_by_opening(campaign)
        campaign.state = State.CLOSED
        voided_requests.void_closings(campaign)
    return campaign


def reschedule(
    slug: str,
    *,
    opens_at: datetime,
    closes_at: datetime,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
    conditions: Conditions = ANY,
) -> Campaign:
    """Change the window; the opening only while it is in the future (else IllegalTransition).
    Raises NeedsConfirmation if the campaign would open or close at once."""
    confirmations.ask_about_move(slug, (opens_at, closes_at), confirmed)
    frame = update.updating_campaign(
        slug, actor, EventKind.RESCHEDULED, LIVE, conditions=conditions
    )
    with frame as campaign:
        _move_window(campaign, opens_at, closes_at)
    return campaign


def change_stock(
    slug: str,
    *,
    stock: int,
    actor: str,
    conditions: Conditions = ANY,
    tell: Progress = no_progress,
) -> Campaign:
    """Raise or lower the stock, also under load. If the process is killed in the middle, making the
    same change again finishes it.

    New slots are committed before Redis may give their places. A lower stock is written to Redis
    before the commit, and from the commit on nothing is stored above it; surplus slots are removed
    afterwards. Raises ValidationError, StockBelowAdmitted, IllegalTransition; Refused if another
    change of the stock came in between.
    """
    slots.demand_stock(stock)
    if not conditions.is_rehearsal:
        _demand_version_now(slug, conditions)  # before slots are made in vain
        slots.make_slots(slug, stock, tell=tell)
    frame = update.updating_campaign(
        slug, actor, EventKind.STOCK_SET, LIVE, conditions=conditions, stock=stock
    )
    with frame as campaign:
        undoable.record_raise(campaign, stock, actor)
        set_stock(campaign, stock, conditions)
    if not conditions.is_rehearsal:
        _remove_surplus(campaign, tell)
    return campaign


def revise_campaign(
    slug: str,
    *,
    stock: int,
    opens_at: datetime,
    closes_at: datetime,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
    conditions: Conditions = ANY,
    tell: Progress = no_progress,
) -> Campaign:
    """`change_stock` and `reschedule` in one transaction: both or neither."""
    confirmations.ask_about_move(slug, (opens_at, closes_at), confirmed)
    slots.demand_stock(stock)
    _demand_version_now(slug, conditions)
    slots.make_slots(slug, stock, tell=tell)
    frame = update.updating_campaign(
        slug, actor, EventKind.STOCK_SET, LIVE, conditions=conditions, stock=stock
    )
    with frame as campaign:
        before = copy(campaign)
        _move_window(campaign, opens_at, closes_at)
        moved = update.moved_moments(before, campaign)
        log.record_event(campaign, actor, EventKind.RESCHEDULED, **moved)
        undoable.record_raise(campaign, stock, actor)
        set_stock(campaign, stock)
    _remove_surplus(campaign, tell)
    return campaign


def _not_a_draft_text(campaign: Campaign) -> str:
    sentence = _("{slug} is {state}: it is no draft any more.")
    return sentence.format(slug=campaign.slug, state=campaign.get_state_display())


def _lock_draft(campaign: Campaign) -> Campaign:
    row = Campaign.objects.select_for_update().filter(pk=campaign.pk).first()
    if row is None:
        raise UnknownCampaign(_("There is no campaign {!r} any more.").format(campaign.slug))
    if row.state != State.DRAFT:
        raise IllegalTransition(_not_a_draft_text(row))
    return row


def _move_window(campaign: Campaign, opens_at: datetime, closes_at: datetime) -> None:
    if opens_at != campaign.opens_at and campaign.opens_at <= _now(campaign):
        raise OpeningPassed(
            _("{} has opened already: its opening can't be moved.").format(campaign.slug)
        )
    campaign.opens_at, campaign.closes_at = opens_at, closes_at
    _announce_by_opening(campaign)
    campaign.overridden = False  # an override is for one opening, as it was planned


def _announce_by_opening(campaign: Campaign) -> None:
    """An opening that is moved to before the announcement takes it along."""
    if campaign.announced_at is not None:
        campaign.announced_at = min(campaign.announced_at, campaign.opens_at)


def _now(campaign: Campaign) -> datetime:
    return deciding_clock.deciding_now(campaign.strategy)


def _demand_version_now(slug: str, conditions: Conditions) -> None:
    if conditions.version:
        with availability.require_database():
            campaign = Campaign.objects.filter(slug=slug).first()
        if campaign is not None:
            demand_version(campaign, conditions)


def set_stock(campaign: Campaign, stock: int, conditions: Conditions = ANY) -> None:
    """Set the stock; the caller holds the row lock. From the commit on nothing is stored above it,
    although the slots there are removed only later. Raises StockBelowAdmitted, Refused."""
    given, last = slots.highest_coupon(campaign), slots.highest_slot(campaign)
    if conditions.is_rehearsal:  # no slots were made
        last = max(last, stock)
    if given > stock:
        raise StockBelowAdmitted(update.below_admitted_text(campaign.slug, stock, given))
    if last < stock:
        raise Refused(
            _("{}: another change of its stock came in between. Please do it again.").format(
                campaign.slug
            )
        )
    campaign.stock = stock
    campaign.slots_to_keep = stock if last > stock else None


def _remove_surplus(campaign: Campaign, tell: Progress) -> None:
    if campaign.slots_to_keep is not None:
        slots.remove_surplus_slots(campaign.slug, tell=tell)
