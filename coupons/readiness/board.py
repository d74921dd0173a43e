"""The board: every line about one campaign, checked now. Read-only."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from coupons.audit import labels, log
from coupons.campaigns import deciding_clock, opening_hold
from coupons.campaigns.effective_state import effective_state
from coupons.claims import timestamps
from coupons.claims.shadow_slugs import is_shadow_slug
from coupons.database import availability
from coupons.errors import DatabaseAway, StoreAway, StoreError, UnknownCampaign
from coupons.models import Campaign, CampaignEvent
from coupons.readiness import campaign as campaign_lines
from coupons.readiness import clocks, host, queue, redis, workers
from coupons.readiness import database as database_lines
from coupons.readiness.certificate import certificate_line
from coupons.readiness.rehearsed import rehearsed_line
from coupons.readiness.result import Light, Line, red, worst_light

logger = logging.getLogger(__name__)

State = Campaign.State


@dataclass(frozen=True, slots=True)
class Board:
    """`state` is the effective state, by the deciding clock, when the board was made."""

    campaign: Campaign
    state: Campaign.State
    is_ahead: bool  # whether the opening is in the future, in any state but closed
    lines: list[Line]
    held: CampaignEvent | None
    overridden: CampaignEvent | None

    @property
    def light(self) -> Light:
        return worst_light(self.lines)

    @property
    def reds(self) -> list[Line]:
        return [line for line in self.lines if line.light is Light.RED]

    @property
    def not_ready(self) -> bool:
        """A line is red and there is no override."""
        return bool(self.reds) and self.overridden is None

    @property
    def blocks(self) -> bool:
        """Whether the guard will put a hold on the opening, which is in the future."""
        return self.not_ready and self.is_ahead and settings.HOLD_BACK_S > 0

    @property
    def can_be_overridden(self) -> bool:
        return self.state in opening_hold.AHEAD and (self.blocks or self.held is not None)

    def as_json(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign.slug,
            "state": self.state,
            "opens_at": self.campaign.opens_at.isoformat(),
            "light": self.light,
            "blocks": self.blocks,
            "held": self.held and f"red: {', '.join((self.held.data or {}).get('checks', ()))}",
            "overridden": self.overridden and labels.event_details(self.overridden),
            "lines": [
                {"name": line.name, "light": line.light, "seen": line.seen, "do": line.do}
                for line in self.lines
            ],
        }


def readiness_board(slug: str, *, quickly: bool = False) -> Board:
    """Check everything. `quickly`: without checks that may wait seconds for a server or count rows.

    Raises UnknownCampaign; DatabaseAway if the campaign can't be read.
    """
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
        if campaign is None:
            raise UnknownCampaign(_("There is no campaign {!r}.").format(slug))
        held, overridden = log.hold_event(campaign), log.override_event(campaign)
        now = deciding_clock.now_if_redis_is_away(campaign.strategy)
    state = effective_state(campaign, timestamps.milliseconds_of(now))
    held = None if state == State.CLOSED else held
    is_ahead = state != State.CLOSED and campaign.opens_at > now
    lines = list(_lines(campaign, state, is_ahead, quickly))
    return Board(campaign, state, is_ahead, lines, held, overridden)


def _lines(
    campaign: Campaign, state: Campaign.State, is_ahead: bool, quickly: bool
) -> Iterator[Line]:
    queued = campaign.strategy == Campaign.Strategy.QUEUED
    yield campaign_lines.state_line(campaign, state, is_ahead=is_ahead)
    signing = campaign_lines.signing_keys(campaign)
    yield signing
    if queued and signing.light is Light.GREEN:  # without its key the snapshot can't be computed
        yield from _run_check("both_stores", lambda: [campaign_lines.in_both_stores(campaign)])
    if queued and campaign.state != Campaign.State.DRAFT:
        yield from _run_check("keys", lambda: [queue.queue_keys_line(campaign.slug)])
        yield from _run_check("drain", lambda: [queue.drain_line(campaign.slug)])
    if not quickly:
        yield from _run_check("slots", lambda: [campaign_lines.all_slots(campaign)])
    if queued:
        yield from _run_check("redis", redis.redis_lines)
        yield from _run_check("host_clocks", lambda: [clocks.host_clocks()])
        if not quickly:
            yield workers.broker_line()
        yield from _run_check("canary", lambda: [workers.canary_line()])
        yield from _run_check("beat", lambda: [workers.beat_line()])
    yield from _run_check("mysql", database_lines.database_lines)
    yield from host.host_lines()
    if not quickly:
        yield certificate_line(campaign)
    if campaign.has_unserved_waitlist:
        yield campaign_lines.unserved_waitlist(campaign)
    yield campaign_lines.warm_up(campaign)
    if not is_shadow_slug(campaign.slug):
        has_opened = _has_opened(state, is_ahead)
        yield from _run_check(
            "rehearsed", lambda: [rehearsed_line(campaign, has_opened=has_opened)]
        )


def _has_opened(state: Campaign.State, is_ahead: bool) -> bool:
    """Also one that is paused or held back beyond the moment of its opening."""
    return state != State.DRAFT and not is_ahead


def _run_check(name: str, check: Callable[[], list[Line]]) -> list[Line]:
    """Run one check. If it raises anything, for example because a server does not answer, the
    result is a red line, not a missing one."""
    try:
        return check()
    except StoreAway as away:
        do = _("Start it, or correct REDIS_URL.")
        return [red(name, _("Redis does not answer: {why}").format(why=away), do)]
    except DatabaseAway as away:
        do = _("Start it, or correct DATABASE_URL.")
        return [red(name, _("The database does not answer: {why}").format(why=away), do)]
    except StoreError as error:
        do = _("See the line about this campaign's keys.")
        return [red(name, _("It can't be read: {why}").format(why=error), do)]
    except Exception as error:
        logger.exception("the check %s of the readiness board failed", name)
        do = _("See the log of this process.")
        return [red(name, _("It can't be told: {why}").format(why=repr(error)), do)]
