"""What a live page shows, read once a second at most for all who watch: one round trip to Redis and
one to MySQL. Before an opening its readiness board as well, every CHECKS_S."""

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.conf import settings

from coupons.admin.campaigns.last_answer import as_redis_has_it
from coupons.admin.live import rows
from coupons.admin.live.sale_seen import demand_seen, seen_now
from coupons.admin.live.seen import RECENT_S, Checks, Pause, Seen
from coupons.campaigns.demand import DemandSecond
from coupons.campaigns.shared_value import SharedValue
from coupons.errors import DatabaseAway, DependencyAway, StoreAway, StoreError
from coupons.models import Campaign
from coupons.readiness import board
from coupons.readiness.result import Light
from coupons.runtime import ProcessState
from coupons.store import store
from coupons.store.live import SLOTS_AT_ONCE, SaleReading

FRESH_S, STALE_S = 1.0, 2.0  # see `shared_value`; nothing older is shown
CHECKS_S, CHECKS_STALE_S = 10.0, 60.0
CHART_MS = 600_000
MOST_WATCHED = 1_000  # campaigns
_AGAIN_MS = 3_000  # seconds that may have been incomplete are read again
State = Campaign.State


@dataclass(frozen=True, slots=True)
class Reading:
    """`campaign`: its row; `revision` changes when its state or history does. `seconds`: whole ones
    of the last CHART_MS, by Redis' clock. `redis_ms` None: Redis does not answer. While MySQL does
    not, the row is its last answer, as Redis has it."""

    campaign: Campaign
    seen: Seen
    revision: str
    seconds: tuple[DemandSecond, ...]
    now_ms: int
    redis_ms: int | None


@dataclass(slots=True)
class _Watch:
    """A campaign that somebody watches: the last reading, and what the next one goes on from."""

    reading: SharedValue[Reading] = field(
        default_factory=lambda: SharedValue(fresh_s=FRESH_S, stale_s=STALE_S, kept_s=0)
    )
    checks: SharedValue[Checks] = field(
        default_factory=lambda: SharedValue(
            fresh_s=CHECKS_S, stale_s=CHECKS_STALE_S, kept_s=CHECKS_STALE_S
        )
    )
    slug: str = ""
    seconds: dict[int, DemandSecond] = field(default_factory=dict)
    read_ms: int = 0  # by Redis' clock
    read_s: float = 0.0  # monotonic
    ages: deque[tuple[float, int]] = field(default_factory=deque)  # of the oldest waiting claim
    row: Campaign | None = None  # MySQL's last answer
    row_s: float = 0.0  # monotonic
    pause: Pause | None = None
    revision: str = ""
    is_mysql_away: bool = False
    both_ms: int | None = None  # the first reading after an outage of MySQL, by Redis' clock


_watched: ProcessState[dict[int, _Watch]] = ProcessState(dict)


def read_sale(pk: int) -> Reading:
    """The campaign with this id, at most FRESH_S old. Redis or MySQL may be away: then its
    figures are None. Raises Campaign.DoesNotExist; DatabaseAway if it was never read before."""
    watched = _watched.current
    watch = watched.get(pk)
    if watch is None:
        if len(watched) >= MOST_WATCHED:
            watched.clear()
        watch = watched.setdefault(pk, _Watch())
    reading = watch.reading.read_value(partial(_load, pk, watch))
    return _with_checks(reading, watch)


def _with_checks(reading: Reading, watch: _Watch) -> Reading:
    """Before the opening, with the board; without, while nobody knows it."""
    seen = reading.seen
    if seen.state != State.SCHEDULED or not seen.redis_answers:
        return reading
    try:
        checks = watch.checks.read_value(partial(_load_checks, reading.campaign.slug))
    except DependencyAway:
        return reading
    return replace(reading, seen=replace(seen, checks=checks))


def _load_checks(slug: str) -> Checks:
    result = board.readiness_board(slug)
    looked_at = [line for line in result.lines if line.light is not Light.GREY]
    names = {
        light: tuple(line.name for line in looked_at if line.light is light) for light in Light
    }
    return Checks(
        green=len(names[Light.GREEN]),
        total=len(looked_at),
        red=names[Light.RED],
        amber=names[Light.AMBER],
        will_hold=result.blocks,
        hold_before_ms=round(1000 * settings.HOLD_BACK_S),
    )


def _load(pk: int, watch: _Watch) -> Reading:
    watch.slug = watch.slug or rows.read_row(pk).slug
    sale, is_damaged = _ask_redis(watch)
    # After Redis: a claim that is stored meanwhile is in both counts, not in none.
    row, mysql_answers = _row(pk, watch, sale)
    _remember(watch, sale)
    _note_outage(watch, sale, mysql_answers=mysql_answers)
    seconds = _whole_seconds(watch, sale)
    now_ms = _deciding_ms(row, sale)
    seen = seen_now(row, sale, now_ms, mysql_answers=mysql_answers)
    seen = replace(seen, pause=_pause(row, watch) if seen.state == State.PAUSED else None)
    seen = replace(seen, is_damaged=is_damaged, redis_answers=sale is not None or is_damaged)
    if sale is not None:
        seen = replace(seen, **demand_seen(seen, seconds, sale), **_storing_seen(watch, sale))
    if mysql_answers or not watch.revision:  # else the page can't be fetched anew
        watch.revision = f"{seen.state}.{vars(row)['newest'] or 0}"
    redis_ms = None if sale is None else sale.now_ms
    return Reading(row, seen, watch.revision, seconds, now_ms, redis_ms)


def _ask_redis(watch: _Watch) -> tuple[SaleReading | None, bool]:
    """Redis' answer, and whether what it holds of this campaign can't be read."""
    elapsed_ms = round(1000 * (time.monotonic() - watch.read_s))
    goes_on = watch.read_ms and elapsed_ms + 2 * _AGAIN_MS < 1000 * SLOTS_AT_ONCE
    try:
        return store().live.read_sale(
            watch.slug, watch.read_ms - _AGAIN_MS if goes_on else 0
        ), False
    except StoreAway:
        return None, False
    except StoreError:
        return None, True


def _row(pk: int, watch: _Watch, sale: SaleReading | None) -> tuple[Campaign, bool]:
    """The row, and whether MySQL answered; else the last one, as Redis has it now."""
    try:
        row = rows.read_row(pk)
    except DatabaseAway:
        if watch.row is None:
            raise
        row_age_ms = round(1000 * (time.monotonic() - watch.row_s))
        now_ms = vars(watch.row)["now_ms"] + row_age_ms if sale is None else sale.now_ms
        known = as_redis_has_it(watch.row, None if sale is None else sale.gate)
        vars(known)["now_ms"] = now_ms
        return known, False
    watch.row, watch.row_s = row, time.monotonic()
    return row, True


def _pause(row: Campaign, watch: _Watch) -> Pause | None:
    with suppress(DatabaseAway):
        watch.pause = rows.read_pause(row)
    return watch.pause


def _note_outage(watch: _Watch, sale: SaleReading | None, *, mysql_answers: bool) -> None:
    """What has waited through an outage of MySQL is no sign of a worker that stands still."""
    if not mysql_answers:
        watch.is_mysql_away, watch.both_ms = True, None
    elif sale is not None and watch.is_mysql_away:
        watch.is_mysql_away, watch.both_ms = False, sale.now_ms


def _remember(watch: _Watch, sale: SaleReading | None) -> None:
    if sale is None:
        return
    now_s = time.monotonic()
    watch.read_ms, watch.read_s = sale.now_ms, now_s
    known = watch.seconds | {second.second_ms: second for second in sale.seconds}
    first_ms = sale.now_ms - CHART_MS - _AGAIN_MS
    watch.seconds = {ms: known[ms] for ms in sorted(known) if first_ms <= ms <= sale.now_ms}
    if sale.oldest_ms is not None:
        watch.ages.append((now_s, max(0, sale.now_ms - sale.oldest_ms)))
    while watch.ages and watch.ages[0][0] < now_s - RECENT_S:
        watch.ages.popleft()


def _storing_seen(watch: _Watch, sale: SaleReading) -> dict[str, Any]:
    return {
        "slowest_ms": max((age_ms for _, age_ms in watch.ages), default=None),
        "storable_ms": None if watch.both_ms is None else max(0, sale.now_ms - watch.both_ms),
    }


def _whole_seconds(watch: _Watch, sale: SaleReading | None) -> tuple[DemandSecond, ...]:
    if sale is None:
        return ()
    return tuple(
        second
        for second in watch.seconds.values()
        if sale.now_ms - CHART_MS <= second.second_ms <= sale.now_ms - 1000
    )


def _deciding_ms(row: Campaign, sale: SaleReading | None) -> int:
    queued = row.strategy == Campaign.Strategy.QUEUED
    return sale.now_ms if queued and sale is not None else vars(row)["now_ms"]
