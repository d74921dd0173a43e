"""Which campaigns need an operator now, and why: for the list's filter and the home page.

A constant number of questions to each store, whatever the number of campaigns. While Redis does not
answer, only what MySQL knows is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from coupons.admin import formatting
from coupons.admin.campaigns import live_panel
from coupons.admin.campaigns.live_panel import Counts
from coupons.audit import labels
from coupons.audit.durations import duration_text
from coupons.campaigns import lifecycle
from coupons.campaigns.effective_state import effective_state
from coupons.claims.timestamps import milliseconds_of
from coupons.errors import CouponError, StoreFailure
from coupons.models import Campaign
from coupons.readiness import board
from coupons.readiness.board import Board
from coupons.readiness.queue import WAITS_AMBER_S, WAITS_RED_S
from coupons.readiness.result import Light
from coupons.store import store

MOST_LOOKED_AT = 300  # campaigns, the newest
MOST_INSTALLED = 1000  # slugs in a query
NEAR = timedelta(hours=1)  # openings whose board is looked at, of these:
MOST_BOARDS = 3
PAUSED_AMBER_MS, PAUSED_RED_MS = 24 * 3_600_000, 15 * 60_000  # so long before the opening
State = Campaign.State


@dataclass(frozen=True, slots=True)
class Concern:
    """`page`: the campaign's page where it is seen, as in its URL's name. `is_state`: the badge of
    the campaign's state says the same."""

    light: Light
    text: str
    page: str
    is_state: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """`counts` and `concerns` by campaign id; a campaign without concerns is not in `concerns`.
    `lights`: of the readiness boards that were looked at."""

    campaigns: list[Campaign]
    counts: dict[int, Counts]
    concerns: dict[int, list[Concern]]
    lights: dict[int, Light]

    @property
    def troubled(self) -> list[Campaign]:
        return [campaign for campaign in self.campaigns if campaign.pk in self.concerns]


def watch_campaigns(now: datetime) -> Watched:
    """Every campaign that is public, or that Redis still holds claims of. `now`: for the openings
    that are near."""
    candidates = Campaign.objects.filter(
        Q(state__in=lifecycle.LIVE) | Q(slug__in=_installed_slugs())
    )
    campaigns = list(candidates[:MOST_LOOKED_AT])
    counts = live_panel.live_counts(campaigns)
    concerns = concerns_of(campaigns, counts)
    lights: dict[int, Light] = {}
    for campaign in _near_openings(campaigns, now):
        shown_board = _quick_board(campaign)
        if shown_board is None:
            continue
        lights[campaign.pk] = shown_board.light
        if shown_board.reds:
            reds = [labels.check_label(line.name) for line in shown_board.reds]
            text = _("not ready: {checks}").format(checks=", ".join(reds))
            concerns.setdefault(campaign.pk, []).append(Concern(Light.RED, text, "readiness"))
    return Watched(campaigns, counts, concerns, lights)


def concerns_of(
    campaigns: Sequence[Campaign], counts: dict[int, Counts]
) -> dict[int, list[Concern]]:
    """By campaign id; without the readiness boards, each of which asks many questions."""
    ages = _waiting_ages([campaign.slug for campaign in campaigns if counts[campaign.pk].waiting])
    found = {
        campaign.pk: _concerns(campaign, counts[campaign.pk], ages.get(campaign.slug, 0))
        for campaign in campaigns
    }
    return {pk: concerns for pk, concerns in found.items() if concerns}


def _concerns(campaign: Campaign, counts: Counts, waits_s: int) -> list[Concern]:
    is_over = effective_state(campaign, counts.now_ms) == State.CLOSED
    concerns = []
    if campaign.held and not is_over:
        concerns.append(Concern(Light.RED, _("held back"), "readiness", is_state=True))
    elif effective_state(campaign, counts.now_ms) == State.PAUSED and counts.now_ms is not None:
        concerns += _paused_concerns(milliseconds_of(campaign.opens_at) - counts.now_ms)
    if counts.lost and not is_over:
        concerns.append(Concern(Light.RED, _("lost by Redis"), "readiness"))
    if counts.parked:
        text = _("parked: {count}").format(count=formatting.grouped_number(counts.parked))
        concerns.append(Concern(Light.RED, text, "parked"))
    if waits_s > WAITS_AMBER_S:
        light = Light.RED if waits_s > WAITS_RED_S else Light.AMBER
        text = _("waiting for {seconds} s").format(seconds=formatting.grouped_number(waits_s))
        concerns.append(Concern(light, text, "readiness"))
    return concerns


def _paused_concerns(opens_in_ms: int) -> list[Concern]:
    """Paused within its window: people are turned away. Paused before it: they will be, unless it
    is resumed by then; an opening that is further than a day away is nobody's concern yet."""
    if opens_in_ms <= 0:
        return [Concern(Light.AMBER, _("paused"), "live", is_state=True)]
    if opens_in_ms > PAUSED_AMBER_MS:
        return []
    light = Light.RED if opens_in_ms <= PAUSED_RED_MS else Light.AMBER
    text = _("paused, {time} before its opening").format(time=duration_text(opens_in_ms))
    return [Concern(light, text, "live")]


def _installed_slugs() -> list[str]:
    try:
        return store().campaigns.installed_slugs()[-MOST_INSTALLED:]
    except StoreFailure:
        return []


def _waiting_ages(slugs: list[str]) -> dict[str, int]:
    """Seconds for which the oldest claim of each campaign waits, by Redis' clock."""
    if not slugs:
        return {}
    try:
        since, now_ms = store().queue.waiting_since(slugs), store().server.now_ms()
    except StoreFailure:
        return {}
    return {slug: (now_ms - ms) // 1000 for slug, ms in since.items() if ms is not None}


def _near_openings(campaigns: list[Campaign], now: datetime) -> list[Campaign]:
    near = [
        campaign
        for campaign in campaigns
        if campaign.state == State.SCHEDULED and now < campaign.opens_at <= now + NEAR
    ]
    return sorted(near, key=lambda campaign: campaign.opens_at)[:MOST_BOARDS]


def _quick_board(campaign: Campaign) -> Board | None:
    """Its board by the quick checks; None: it was deleted meanwhile, or MySQL is away, which the
    page says by itself."""
    try:
        return board.readiness_board(campaign.slug, quickly=True)
    except CouponError:
        return None
