"""What a rehearsal must leave alone: openings soon, and campaigns that are being asked for now."""

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.utils.translation import gettext as _

from coupons.campaigns import deciding_clock
from coupons.claims.shadow_slugs import is_shadow_slug
from coupons.claims.timestamps import clock_text
from coupons.database import availability
from coupons.errors import CouponError, Refused
from coupons.models import Campaign
from coupons.store import store

# A rehearsal begins neither so long before another opening nor so long after it.
APART = timedelta(minutes=15)
QUIET_PER_SECOND = 5.0  # claims of all live campaigns together; more than this is an opening
BESIDE_PER_SECOND = 5.0  # the rehearsal's rate while one goes on
CALM_S = 10.0  # and for so long after it was last seen
GUARDED = timedelta(seconds=30)  # before an opening, and after it
_LIST_AGAIN_S = 5.0
_MOST_WATCHED = 50
_LIVE = (Campaign.State.SCHEDULED, Campaign.State.OPEN, Campaign.State.PAUSED)


def refuse_beside_opening(*, on_page: bool) -> None:
    """Raises Refused if a campaign opens within APART, or opened so short ago and isn't over.
    `on_page`: an operator's page asks, which has a box to tick for it, not a command."""
    campaign = next(iter(_opening_within(APART)), None)
    if campaign is None:
        return
    if campaign.opens_at > deciding_clock.now_if_redis_is_away(campaign.strategy):
        text = _("{slug} opens at {at}: a rehearsal would be beside it.")
    else:
        text = _("{slug} opened at {at}: a rehearsal would be beside it.")
    if on_page:
        hint = _("To hold one all the same, tick the box.")
    else:
        hint = _("To hold one all the same: --beside")
    raise Refused(f"{text.format(slug=campaign.slug, at=clock_text(campaign.opens_at))} {hint}")


def _opening_within(apart: timedelta) -> list[Campaign]:
    """Live campaigns whose opening is so near, before or after now; not a rehearsal's own."""
    found: list[Campaign] = []
    for strategy in Campaign.Strategy:
        now = deciding_clock.now_if_redis_is_away(strategy)
        with availability.require_database():
            rows = Campaign.objects.filter(
                strategy=strategy,
                state__in=_LIVE,
                opens_at__range=(now - apart, now + apart),
                closes_at__gt=now,
            ).order_by("opens_at")[:_MOST_WATCHED]
            found += [row for row in rows if not is_shadow_slug(row.slug)]
    return found


class YieldingRate:
    """The crowd's rate: `per_second`, or BESIDE_PER_SECOND while people ask for a live campaign, or
    one opens within GUARDED. Web processes report what they were asked twice a second, so it yields
    within about a second. While the stores don't answer it yields as well."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._asked: dict[str, int] = {}
        self._looked_s = self._listed_s = -1e9
        self._calm_from_s = -1e9
        self._watched: list[Campaign] = []
        self._is_guarded = False
        self.yielded_s = 0.0

    def __call__(self) -> float:
        now_s = self._clock()
        elapsed_s, self._looked_s = now_s - self._looked_s, now_s
        try:
            busy = self._is_asked(now_s, elapsed_s)
        except CouponError:
            busy = True
        if busy:
            self._calm_from_s = now_s + CALM_S
        if now_s < self._calm_from_s:
            self.yielded_s += min(elapsed_s, 1.0)
            return min(self._per_second, BESIDE_PER_SECOND)
        return self._per_second

    def _is_asked(self, now_s: float, elapsed_s: float) -> bool:
        if now_s - self._listed_s > _LIST_AGAIN_S:
            try:
                self._watched, self._listed_s = _opened_campaigns(), now_s
                self._is_guarded = bool(_opening_within(GUARDED))
            finally:
                connection.close()  # of the thread in which the crowd asks for its rate
        before, self._asked = (
            self._asked,
            {row.slug: store().live.read_counts(row.slug).asked for row in self._watched},
        )
        more = sum(self._asked[slug] - before[slug] for slug in self._asked if slug in before)
        return self._is_guarded or more > QUIET_PER_SECOND * elapsed_s


def _opened_campaigns() -> list[Campaign]:
    with availability.require_database():
        rows = Campaign.objects.filter(state__in=_LIVE).order_by("-opens_at")[:_MOST_WATCHED]
        return [row for row in rows if not is_shadow_slug(row.slug)]
