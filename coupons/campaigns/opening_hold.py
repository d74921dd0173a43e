"""Opening hold (deployment gate): hold, release, and override by an operator.

A held campaign is paused, with the clock as actor: Redis refuses claims from that moment, even if
this process dies.
"""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.campaigns import deciding_clock, lifecycle, update
from coupons.database import availability
from coupons.errors import IllegalTransition
from coupons.models import Campaign, CampaignEvent, EventKind

State = Campaign.State
AHEAD = frozenset({State.SCHEDULED, State.PAUSED})  # states of a campaign that may still open


def hold_opening(slug: str, *, checks: list[str]) -> Campaign:
    """Pause the campaign until it is released or overridden, because of these red checks (names of
    lines on its board). Raises IllegalTransition unless scheduled."""
    frame = update.updating_campaign(
        slug, lifecycle.CLOCK, EventKind.HELD, {State.SCHEDULED}, checks=checks
    )
    with frame as campaign:
        campaign.state, campaign.held = State.PAUSED, True
    return campaign


def release_opening(slug: str) -> Campaign:
    """Undo a hold before the opening time. Raises IllegalTransition if there is none, or after the
    opening time: then an operator decides."""
    frame = update.updating_campaign(slug, lifecycle.CLOCK, EventKind.RELEASED, {State.PAUSED})
    with frame as campaign:
        has_opened = campaign.opens_at <= deciding_clock.deciding_now(campaign.strategy)
        if not campaign.held or has_opened:
            raise IllegalTransition(_("{} can't be released by itself.").format(slug))
        campaign.state = State.SCHEDULED
    return campaign


def override_hold(slug: str, *, actor: str, reason: str) -> Campaign:
    """Let the campaign open although its board is red; at once, if it is held and due.

    Raises ValidationError unless `reason` is one line of text, IllegalTransition.
    """
    reason = log.reason_text(reason)
    frame = update.updating_campaign(slug, actor, EventKind.OVERRIDDEN, AHEAD, reason=reason)
    with frame as campaign:
        campaign.overridden = True
        if campaign.held:
            campaign.state, campaign.held = lifecycle.by_the_clock(campaign), False
    return campaign


def note_warm_up(campaign: Campaign, **done: Any) -> CampaignEvent:
    """Record a warm-up, with the deciding clock's time: `readiness.campaign.warmed_up` compares it
    with the opening."""
    at = deciding_clock.deciding_now(campaign.strategy)
    with availability.require_database(), transaction.atomic():
        return log.record_event_at(at, campaign, lifecycle.CLOCK, EventKind.WARMED_UP, **done)
