"""Holding an opening back, letting it go, and an operator's word against it.

Held back is paused, by the clock's hand: Redis refuses from that moment, whatever happens to us.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.campaigns import deciding_clock, lifecycle, update
from coupons.database import availability
from coupons.errors import IllegalTransition
from coupons.models import Campaign

State = Campaign.State
AHEAD = frozenset({State.SCHEDULED, State.PAUSED})  # what an opening may lie before


def hold_opening(slug: str, *, why: str) -> Campaign:
    """Pause it until it is released or overridden. Raises IllegalTransition unless scheduled."""
    frame = update.updating_campaign(slug, lifecycle.CLOCK, log.HELD, {State.SCHEDULED}, note=why)
    with frame as campaign:
        campaign.state = State.PAUSED
    return campaign


def release_opening(slug: str, *, why: str) -> Campaign:
    """Undo `hold` before the opening; afterwards that is a person's decision."""
    frame = update.updating_campaign(slug, lifecycle.CLOCK, log.RELEASED, {State.PAUSED}, note=why)
    with frame as campaign:
        has_opened = campaign.opens_at <= deciding_clock.deciding_now(campaign.strategy)
        if log.hold_event(campaign) is None or has_opened:
            raise IllegalTransition(_("{} can't be released by itself.").format(slug))
        campaign.state = State.SCHEDULED
    return campaign


def override_hold(slug: str, *, actor: str, reason: str) -> Campaign:
    """Let it open in spite of a red board; at once, if it is held back and due.

    Raises ValidationError without a reason in one line, IllegalTransition.
    """
    reason = log.reason_text(reason)
    frame = update.updating_campaign(slug, actor, log.OVERRIDDEN, AHEAD, note=reason)
    with frame as campaign:
        if log.hold_event(campaign):
            campaign.state = lifecycle.by_the_clock(campaign)
    return campaign


def note_warm_up(campaign: Campaign, *, what: str) -> None:
    """By the clock that opens it, since `readiness.campaign.warmed_up` counts back from there."""
    at = deciding_clock.deciding_now(campaign.strategy)
    with availability.require_database(), transaction.atomic():
        log.note_at(at, campaign, lifecycle.CLOCK, log.WARMED_UP, what)
