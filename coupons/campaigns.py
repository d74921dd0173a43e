"""The life of a campaign: draft → scheduled → open → paused → closed, with who and when.

MySQL owns the definition; Redis gets a copy with every change, before the change commits. Where
the two could part (a crash between them), the order is chosen so that too little is issued until
the change is made again, never too much.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coupons import change, database, events, keys, slots
from coupons.errors import IllegalTransition, StockBelowAdmitted, UnknownCampaign
from coupons.models import Campaign, Coupon, Tally, slot_id
from coupons.store import store

State = Campaign.State
CLOCK = "clock"  # the actor of what happens by itself
LIVE = frozenset({State.SCHEDULED, State.OPEN, State.PAUSED})


def draft(campaign: Campaign, *, actor: str) -> Campaign:
    """Save a campaign that is not public yet. Raises ValidationError, IllegalTransition."""
    made = campaign._state.adding
    if made:
        campaign.key_id = next(iter(settings.COUPON_KEYS))
        campaign.state = State.DRAFT
    if campaign.state != State.DRAFT:
        raise IllegalTransition(_only_drafts(campaign))
    # A new one with every edit: keys that an interrupted scheduling left in Redis may not fit.
    campaign.epoch = secrets.token_hex(8)
    campaign.filter_blocks = keys.filter_blocks(campaign.stock or 1)
    campaign.full_clean()
    with database.answering(), transaction.atomic():
        if not made:
            _still_a_draft(campaign)  # or this save would take back what was scheduled meanwhile
        _save(campaign)
        Tally.objects.get_or_create(campaign=campaign)
        events.note(campaign, actor, "created" if made else "edited")
    return campaign


def _save(campaign: Campaign) -> None:
    """Another operator may have taken the name since it was checked."""
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError:
        campaign.validate_unique()  # says it in the form's own words
        raise


def discard(campaign: Campaign) -> None:
    """Delete a draft. Raises IllegalTransition for anything that has been public."""
    with database.answering(), transaction.atomic():
        _still_a_draft(campaign)
        slots.of(campaign).delete()
        campaign.delete()


def schedule(slug: str, *, actor: str) -> Campaign:
    """Make it public and install it in Redis; it opens by the deciding store's own clock.

    Its slots are committed first: from the moment Redis knows it, what it admits can be stored,
    even if this process dies before it has written that the campaign is scheduled.
    """
    _make_room(slug)
    with change.changing(slug, actor, "scheduled", {State.DRAFT}) as campaign:
        if campaign.closes_at <= timezone.now():
            raise IllegalTransition(
                _("{} would be closed already: it closes in the past.").format(slug)
            )
        _drop_slots_beyond(campaign)  # of an earlier try with a higher stock
        campaign.state = State.SCHEDULED
    return campaign


def open_now(slug: str, *, actor: str) -> Campaign:
    """Open ahead of time."""
    with change.changing(slug, actor, "opened", {State.SCHEDULED}) as campaign:
        campaign.opens_at = min(campaign.opens_at, _now(campaign))
        campaign.state = State.OPEN
    return campaign


def pause(slug: str, *, actor: str) -> Campaign:
    """Stop admitting. Places given stay given, and are stored."""
    with change.changing(slug, actor, "paused", {State.SCHEDULED, State.OPEN}) as campaign:
        campaign.state = State.PAUSED
    return campaign


def resume(slug: str, *, actor: str) -> Campaign:
    """Raises IllegalTransition for a campaign that is held back: that takes a reason."""
    with change.changing(slug, actor, "resumed", {State.PAUSED}) as campaign:
        if events.held(campaign):
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


def close(slug: str, *, actor: str) -> Campaign:
    """End it now. Final."""
    with change.changing(slug, actor, "closed", LIVE) as campaign:
        campaign.closes_at = min(campaign.closes_at, _now(campaign))
        campaign.opens_at = min(campaign.opens_at, campaign.closes_at - timedelta(milliseconds=1))
        campaign.state = State.CLOSED
    return campaign


def reschedule(slug: str, *, opens_at: datetime, closes_at: datetime, actor: str) -> Campaign:
    """Move the window; the opening only while it lies ahead."""
    with change.changing(slug, actor, "rescheduled", LIVE) as campaign:
        _move(campaign, opens_at, closes_at)
    return campaign


def change_stock(slug: str, *, stock: int, actor: str) -> Campaign:
    """Raise or lower the stock, also under load.

    Raises StockBelowAdmitted. New slots are committed before Redis may give them away; slots are
    taken away only when Redis has agreed to give no more of them.
    """
    _make_room(slug, stock)
    with change.changing(slug, actor, f"stock set to {stock}", LIVE) as campaign:
        campaign.stock = stock
        _drop_slots_beyond(campaign)
    return campaign


def revise(
    slug: str, *, stock: int, opens_at: datetime, closes_at: datetime, actor: str
) -> Campaign:
    """`change_stock` and `reschedule` in one: both, or neither."""
    _make_room(slug, stock)
    with change.changing(slug, actor, f"stock set to {stock}", LIVE) as campaign:
        _move(campaign, opens_at, closes_at)
        events.note(campaign, actor, "rescheduled")
        campaign.stock = stock
        _drop_slots_beyond(campaign)
    return campaign


def follow_the_clock() -> int:
    """Record openings and closings that have happened by themselves. Nothing waits for this."""
    now = timezone.now()
    opened = Campaign.objects.filter(state=State.SCHEDULED, opens_at__lte=now, closes_at__gt=now)
    closed = Campaign.objects.filter(state__in=LIVE, closes_at__lte=now)
    with database.answering():
        return _record(list(opened), State.OPEN) + _record(list(closed), State.CLOSED)


def _record(campaigns: list[Campaign], state: str) -> int:
    """Compare and set, so that of two sweeps only one writes the event."""
    for campaign in campaigns:
        with transaction.atomic():
            unchanged = Campaign.objects.filter(pk=campaign.pk, state=campaign.state)
            if unchanged.update(state=state):
                events.note(campaign, CLOCK, state)
    return len(campaigns)


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
    """Now, by the clock that decides over this campaign."""
    if campaign.strategy == Campaign.Strategy.QUEUED:
        return database.moment(store().now_ms())
    row = Tally.objects.annotate(now_ms=database.NowMs()).get(campaign_id=campaign.pk)
    return database.moment(row.now_ms)


def _make_room(slug: str, stock: int = 0) -> None:
    """Commit the slots of a stock to come; harmless if the change itself fails afterwards."""
    with database.answering(), transaction.atomic():
        campaign = Campaign.objects.select_for_update().filter(slug=slug).first()
        if campaign is not None and campaign.state != State.CLOSED:
            campaign.stock = max(stock, campaign.stock)
            campaign.clean_fields()
            slots.make(campaign)


def _drop_slots_beyond(campaign: Campaign) -> None:
    beyond = slots.of(campaign).filter(id__gt=slot_id(campaign.pk, campaign.stock))
    highest = Coupon.objects.filter(campaign=campaign).order_by("-place").first()
    if highest is not None and highest.place > campaign.stock:
        raise StockBelowAdmitted(change.below(campaign.slug, campaign.stock, highest.place))
    beyond.delete()
