"""What a live page shows, read once a second at most for all who watch: one round trip to Redis and
one to MySQL. Before an opening its readiness board as well, every CHECKS_S."""

import time
from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from coupons.admin.live.seen import RATE_S, RECENT_S, Checks, Pause, Seen, demand_of, percentile_ms
from coupons.campaigns.demand import DemandSecond
from coupons.campaigns.effective_state import effective_state
from coupons.campaigns.shared_value import SharedValue
from coupons.claims.timestamps import milliseconds_of
from coupons.claims.values import Reason
from coupons.database import availability
from coupons.database.clock import NowMs
from coupons.errors import DependencyAway, StoreAway, StoreError
from coupons.models import Campaign, CampaignEvent, EventKind, GivenUp
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
    of the last CHART_MS, by Redis' clock. `redis_ms` None: Redis does not answer."""

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


_watched: ProcessState[dict[int, _Watch]] = ProcessState(dict)


def read_sale(pk: int) -> Reading:
    """The campaign with this id, at most FRESH_S old. Redis may be away: then its figures are None.
    Raises Campaign.DoesNotExist, DatabaseAway."""
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
    )


def _load(pk: int, watch: _Watch) -> Reading:
    watch.slug = watch.slug or _row(pk).slug
    sale, is_damaged = _ask_redis(watch)
    row = _row(pk)  # after Redis: a claim that is stored meanwhile is in both counts, not in none
    _remember(watch, sale)
    seconds = _whole_seconds(watch, sale)
    now_ms = _deciding_ms(row, sale)
    seen = _seen(row, sale, now_ms)
    seen = replace(seen, pause=_pause(row) if seen.state == State.PAUSED else None)
    seen = replace(seen, is_damaged=is_damaged, redis_answers=sale is not None or is_damaged)
    if sale is not None:
        seen = replace(seen, **_demand_seen(row, seconds, sale), slowest_ms=_slowest_ms(watch))
    redis_ms = None if sale is None else sale.now_ms
    revision = f"{seen.state}.{vars(row)['newest'] or 0}"
    return Reading(row, seen, revision, seconds, now_ms, redis_ms)


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


def _row(pk: int) -> Campaign:
    """With `given_up_places`, `newest` (event) and `now_ms`, in one statement."""
    given_up = (
        GivenUp.objects.filter(campaign=OuterRef("pk"), place__gt=0)
        .exclude(reason=Reason.PLACE_TAKEN)
        .order_by()
        .values("campaign")
        .annotate(count=Count("pk"))
        .values("count")
    )
    newest = CampaignEvent.objects.filter(campaign=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    annotated: Any = Campaign.objects.select_related("tally").annotate(
        given_up_places=Coalesce(Subquery(given_up), 0), newest=Subquery(newest), now_ms=NowMs()
    )
    with availability.require_database():
        row: Campaign = annotated.get(Q(pk=pk))
        return row


def _pause(row: Campaign) -> Pause | None:
    """None: it is held back."""
    if row.held:
        return None
    with availability.require_database():
        event = row.events.filter(kind=EventKind.PAUSED).first()
    if event is None:
        return None
    return Pause(event.actor, event.at, str((event.data or {}).get("reason", "")))


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


def _slowest_ms(watch: _Watch) -> int | None:
    return max((age_ms for _, age_ms in watch.ages), default=None)


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


def _seen(row: Campaign, sale: SaleReading | None, now_ms: int) -> Seen:
    queued = row.strategy == Campaign.Strategy.QUEUED and row.state != State.DRAFT
    stored, gate = row.tally.stored, sale.gate if sale else None
    seen = Seen(
        state=effective_state(row, now_ms),
        is_held=row.held,
        is_queued=queued,
        opens_in_ms=milliseconds_of(row.opens_at) - now_ms,
        closes_in_ms=milliseconds_of(row.closes_at) - now_ms,
        stock=row.stock,
        stored=stored,
        sold_out_after_ms=_sold_out_after_ms(row),
    )
    if not queued:
        return replace(seen, admitted=stored, waiting=0, parked=0)
    if sale is None or gate is None:
        return replace(seen, is_lost=sale is not None)
    accounted = stored + gate.waiting + gate.parked + vars(row)["given_up_places"] + row.tally.holes
    return replace(
        seen,
        admitted=gate.admitted,
        waiting=gate.waiting,
        parked=gate.parked,
        missing=max(0, gate.admitted - accounted),
        oldest_ms=None if sale.oldest_ms is None else max(0, sale.now_ms - sale.oldest_ms),
    )


def _sold_out_after_ms(row: Campaign) -> int | None:
    if row.sold_out_at is None:
        return None
    return milliseconds_of(row.sold_out_at) - milliseconds_of(row.opens_at)


def _demand_seen(
    row: Campaign, seconds: tuple[DemandSecond, ...], sale: SaleReading
) -> dict[str, Any]:
    whole_ms = sale.now_ms - sale.now_ms % 1000
    recent = [second for second in seconds if second.second_ms >= whole_ms - 1000 * RECENT_S]
    latest = [second for second in recent if second.second_ms >= whole_ms - 1000 * RATE_S]
    opens_ms = milliseconds_of(row.opens_at)
    since = [second for second in seconds if second.second_ms + 1000 > opens_ms]
    return {
        "rate": round(demand_of(latest).asked / RATE_S),
        "recent": demand_of(recent),
        "p99_ms": percentile_ms(recent),
        "asked_since_opening": demand_of(since).everything,
        "canary_ms": None if sale.canary_ms is None else max(0, sale.now_ms - sale.canary_ms),
        "sweep_ms": None if sale.swept_ms is None else max(0, sale.now_ms - sale.swept_ms),
    }
