"""The guard: warms up at T-10 minutes, and puts a hold on an opening whose board is red.

Redis opens a campaign by its own clock, without any of our processes. So a hold means pausing the
gate in time, and the guard fails open: if it does not run, the campaign opens. Admission keeps its
guarantees without a board, and a campaign that does not open because a scheduler was down would be
worse. Whether the guard runs is visible on the board (line `warm_up`) and in its metric.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings

from coupons.campaigns import deciding_clock, opening_hold
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.database import availability
from coupons.errors import DependencyAway
from coupons.models import Campaign
from coupons.observability import metrics
from coupons.observability.metrics import Work
from coupons.readiness import board
from coupons.readiness.board import Board
from coupons.readiness.campaign import WARM_UP_S, warmed_up
from coupons.readiness.warmup import warm_up

logger = logging.getLogger(__name__)


def guard_openings() -> int:
    """Check every opening of the next ten minutes. Returns how many there are. Safe to run in
    parallel: a campaign's row lock and state let only one of two runs put the hold on it."""
    now_of = deciding_clock.now_if_redis_is_away
    return sum(_check_openings(strategy, now_of(strategy)) for strategy in Campaign.Strategy)


def _check_openings(strategy: str, now: datetime) -> int:
    candidates = Campaign.objects.filter(strategy=strategy, state__in=opening_hold.AHEAD)
    with availability.require_database():
        soon = list(
            candidates.filter(opens_at__gt=now, opens_at__lte=now + timedelta(seconds=WARM_UP_S))
        )
    for campaign in soon:
        _check_opening(campaign, now)
    return len(soon)


def _check_opening(campaign: Campaign, now: datetime) -> None:
    """Warm up, then judge, also while Redis or the database is unreachable: other campaigns may not
    need it. If the warm-up fails, the board is still judged."""
    for step in (_warm_up, _judge):
        with suppress(DependencyAway), isolate_campaign(campaign.slug, Work.GUARD):
            step(campaign, now)


def _warm_up(campaign: Campaign, _: datetime) -> None:
    if warmed_up(campaign) is None:
        warm_up(campaign)


def _judge(campaign: Campaign, now: datetime) -> None:
    result = board.readiness_board(campaign.slug)
    metrics.READINESS_RED.labels(metrics.campaign_label(campaign.slug)).set(len(result.reds))
    _decide(result, left_s=(campaign.opens_at - now).total_seconds())


def _decide(result: Board, *, left_s: float) -> None:
    campaign = result.campaign
    if result.held and not result.not_ready:
        opening_hold.release_opening(campaign.slug)
        logger.warning("the hold on %s is released: no line of its board is red", campaign.slug)
    elif result.not_ready and not result.held:
        checks = [line.name for line in result.reds]
        logger.error("the board of %s is red: %s", campaign.slug, ", ".join(checks))
        if campaign.state == Campaign.State.SCHEDULED and left_s <= settings.HOLD_BACK_S:
            opening_hold.hold_opening(campaign.slug, checks=checks)
            metrics.OPENINGS_HELD.inc()
            logger.error("the opening of %s is put on hold: it is paused", campaign.slug)
