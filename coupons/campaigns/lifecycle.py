"""The life of a campaign: draft → scheduled → open → paused → closed, with who and when.

MySQL owns the definition; Redis gets a copy with every change, before the change commits. Where
the two could part (a crash between them), the order is chosen so that too little is issued until
the change is made again, never too much.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.campaigns import confirmations, deciding_clock, slots, update
from coupons.campaigns.isolation import isolate_campaign
from coupons.campaigns.slots import Progress, no_progress
from coupons.claims import holder_filter
from coupons.claims.limits import MAX_STOCK
from coupons.database import availability
from coupons.errors import IllegalTransition, Refused, StockBelowAdmitted, UnknownCampaign
from coupons.models import Campaign, Coupon, GivenUp, Tally
from coupons.observability.metrics import Work

State = Campaign.State
CLOCK = "clock"  # the actor of what happens by itself
LIVE = frozenset({State.SCHEDULED, State.OPEN, State.PAUSED})


def save_draft(
    campaign: Campaign, *, actor: str, confirmed: frozenset[str] = confirmations.ALL
) -> Campaign:
    """Save a campaign that is not public yet. Raises ValidationError, IllegalTransition,
    NeedsConfirmation about terms that are seldom meant."""
    made = campaign._state.adding
    if made:
        campaign.key_id = next(iter(settings.COUPON_KEYS))
        campaign.state = State.DRAFT
    if campaign.state != State.DRAFT:
        raise IllegalTransition(_only_drafts(campaign))
    # A new one with every edit: keys that an interrupted scheduling left in Redis may not fit.
    campaign.epoch = secrets.token_hex(8)
    # Of a stock that is refused nothing is computed: nobody typed it.
    campaign.filter_blocks = holder_filter.block_count(min(campaign.stock or 1, MAX_STOCK))
    campaign.full_clean()
    confirmations.ask_about_terms(campaign, confirmed)
    with availability.require_database(), transaction.atomic():
        if not made:
            _still_a_draft(campaign)  # or this save would take back what was scheduled meanwhile
        _save(campaign)
        Tally.objects.get_or_create(campaign=campaign)
        log.record_event(campaign, actor, log.CREATED if made else log.EDITED)
    return campaign


def _save(campaign: Campaign) -> None:
    """Another operator may have taken the name since it was checked."""
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError:
        campaign.validate_unique()  # says it in the form's own words
        raise


def delete_draft(campaign: Campaign) -> None:
    """Delete a draft. Raises IllegalTransition for anything that has been public."""
    while True:
        remove_slots(campaign)
        with availability.require_database(), transaction.atomic():
            _still_a_draft(campaign)
            if slots.highest_slot(campaign) == 0:  # nobody tries to schedule it at this moment
                campaign.delete()
                return


def remove_slots(campaign: Campaign, *, tell: Progress = no_progress) -> None:
    """Those that an interrupted scheduling of a draft has made. Raises IllegalTransition."""
    last = None
    while last != 0:
        with availability.require_database(), transaction.atomic():
            _still_a_draft(campaign)
            _holds_nothing(campaign)
            last = slots.remove_some(campaign, last or slots.highest_slot(campaign), down_to=0)
        tell(last, 0)


def _holds_nothing(campaign: Campaign) -> None:
    """An interrupted scheduling may have let people in. Raises IllegalTransition."""
    if any(rows.filter(campaign=campaign).exists() for rows in (Coupon.objects, GivenUp.objects)):
        raise IllegalTransition(
            _("{} can't be deleted: coupons of it are stored.").format(campaign.slug)
        )


def schedule_campaign(
    slug: str,
    *,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
    tell: Progress = no_progress,
) -> Campaign:
    """Make it public and install it in Redis; it opens by the deciding store's own clock.

    Its slots are committed first: from the moment Redis knows it, what it admits can be stored,
    even if this process dies before it has written that the campaign is scheduled. Raises
    NeedsConfirmation if it would open at once.
    """
    confirmations.ask_about_opening(slug, confirmed)
    slots.make_slots(slug, 0, tell=tell)
    with update.updating_campaign(slug, actor, "scheduled", {State.DRAFT}) as campaign:
        if campaign.closes_at <= _now(campaign):
            raise IllegalTransition(
                _("{} would be closed already: it closes in the past.").format(slug)
            )
        _set_stock(campaign, campaign.stock)
        campaign.state = State.SCHEDULED
    _trim(campaign, tell)  # what an earlier try with a higher stock has left
    return campaign


def open_now(slug: str, *, actor: str) -> Campaign:
    """Open ahead of time."""
    with update.updating_campaign(slug, actor, "opened", {State.SCHEDULED}) as campaign:
        campaign.opens_at = min(campaign.opens_at, _now(campaign))
        campaign.state = State.OPEN
    return campaign


def pause_campaign(slug: str, *, actor: str) -> Campaign:
    """Stop admitting. Places given stay given, and are stored."""
    with update.updating_campaign(slug, actor, "paused", {State.SCHEDULED, State.OPEN}) as campaign:
        campaign.state = State.PAUSED
    return campaign


def resume_campaign(slug: str, *, actor: str) -> Campaign:
    """Raises IllegalTransition for a campaign that is held back: that takes a reason."""
    with update.updating_campaign(slug, actor, "resumed", {State.PAUSED}) as campaign:
        if log.hold_event(campaign):
            raise IllegalTransition(
                _("{} is held back, for its board is red: override that with a reason.").format(
                    slug
                )
            )
        campaign.state = by_the_clock(campaign)
    return campaign


def by_the_clock(campaign: Campaign) -> str:
    """The state of a campaign that nothing stops."""
    return State.OPEN if campaign.opens_at <= _now(campaign) else State.SCHEDULED


def close_campaign(slug: str, *, actor: str) -> Campaign:
    """End it now. Final."""
    with update.updating_campaign(slug, actor, "closed", LIVE) as campaign:
        campaign.closes_at = min(campaign.closes_at, _now(campaign))
        campaign.opens_at = min(campaign.opens_at, campaign.closes_at - timedelta(milliseconds=1))
        campaign.state = State.CLOSED
    return campaign


def reschedule(
    slug: str,
    *,
    opens_at: datetime,
    closes_at: datetime,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
) -> Campaign:
    """Move the window; the opening only while it lies ahead. Raises NeedsConfirmation if it would
    open or close at once."""
    confirmations.ask_about_move(slug, (opens_at, closes_at), confirmed)
    with update.updating_campaign(slug, actor, "rescheduled", LIVE) as campaign:
        _move(campaign, opens_at, closes_at)
    return campaign


def change_stock(slug: str, *, stock: int, actor: str, tell: Progress = no_progress) -> Campaign:
    """Raise or lower the stock, also under load; a process killed in the middle is finished by
    making the same change again.

    New slots are committed before Redis may give them away. A lower stock holds from the commit on,
    which Redis has agreed to: nothing is stored above it. Its slots are removed afterwards.
    Raises StockBelowAdmitted; Refused where another change of the stock came in between.
    """
    slots.demand_stock(stock)
    slots.make_slots(slug, stock, tell=tell)
    with update.updating_campaign(slug, actor, f"stock set to {stock}", LIVE) as campaign:
        _set_stock(campaign, stock)
    _trim(campaign, tell)
    return campaign


def revise_campaign(
    slug: str,
    *,
    stock: int,
    opens_at: datetime,
    closes_at: datetime,
    actor: str,
    confirmed: frozenset[str] = confirmations.ALL,
    tell: Progress = no_progress,
) -> Campaign:
    """`change_stock` and `reschedule` in one: both, or neither."""
    confirmations.ask_about_move(slug, (opens_at, closes_at), confirmed)
    slots.demand_stock(stock)
    slots.make_slots(slug, stock, tell=tell)
    with update.updating_campaign(slug, actor, f"stock set to {stock}", LIVE) as campaign:
        _move(campaign, opens_at, closes_at)
        log.record_event(campaign, actor, "rescheduled")
        _set_stock(campaign, stock)
    _trim(campaign, tell)
    return campaign


def follow_the_clock() -> int:
    """Record openings and closings that have happened by themselves; how many there were. Nothing
    waits for this, and it waits for nobody: a campaign that is just being changed has its turn at
    the next sweep.

    Raises DatabaseAway, StoreAway; the direct ones are recorded without Redis.
    """
    strategies = (Campaign.Strategy.DIRECT, Campaign.Strategy.QUEUED)
    return sum(_follow(strategy, deciding_clock.deciding_now(strategy)) for strategy in strategies)


def _follow(strategy: str, now: datetime) -> int:
    these = Campaign.objects.filter(strategy=strategy)
    opened = these.filter(state=State.SCHEDULED, opens_at__lte=now, closes_at__gt=now)
    closed = these.filter(state__in=LIVE, closes_at__lte=now)
    with availability.require_database():
        due = [(each, State.OPEN) for each in opened] + [(each, State.CLOSED) for each in closed]
    for campaign, state in due:
        with isolate_campaign(campaign.slug, Work.STATE), availability.require_database():
            _record(campaign, state)
    return len(due)


def _record(campaign: Campaign, state: str) -> None:
    """Compare and set, so that of two sweeps only one writes the event."""
    unchanged = Campaign.objects.filter(pk=campaign.pk, state=campaign.state)
    with transaction.atomic():
        if unchanged.select_for_update(skip_locked=True).exists() and unchanged.update(state=state):
            log.record_event(campaign, CLOCK, state)


def _only_drafts(campaign: Campaign) -> str:
    sentence = _("{slug} is {state}: it is no draft any more.")
    return sentence.format(slug=campaign.slug, state=campaign.get_state_display())


def _still_a_draft(campaign: Campaign) -> None:
    row = Campaign.objects.select_for_update().filter(pk=campaign.pk).first()
    if row is None:
        raise UnknownCampaign(_("There is no campaign {!r} any more.").format(campaign.slug))
    if row.state != State.DRAFT:
        raise IllegalTransition(_only_drafts(row))


def _move(campaign: Campaign, opens_at: datetime, closes_at: datetime) -> None:
    if opens_at != campaign.opens_at and campaign.opens_at <= _now(campaign):
        raise IllegalTransition(
            _("{} has opened already: its opening can't be moved.").format(campaign.slug)
        )
    campaign.opens_at, campaign.closes_at = opens_at, closes_at


def _now(campaign: Campaign) -> datetime:
    return deciding_clock.deciding_now(campaign.strategy)


def _set_stock(campaign: Campaign, stock: int) -> None:
    """Under its row lock. Nothing is stored above it any more from the commit on, though the slots
    there are still to be removed."""
    given, last = slots.highest_coupon(campaign), slots.highest_slot(campaign)
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


def _trim(campaign: Campaign, tell: Progress) -> None:
    if campaign.slots_to_keep is not None:
        slots.remove_surplus_slots(campaign.slug, tell=tell)
