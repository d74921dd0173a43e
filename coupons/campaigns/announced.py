"""The public list of campaigns: announced, listed, not closed; what opens next comes first.

Read from the stores by one thread, at most once in FRESH_S, however many visitors come; pages are
cut out of this process's memory. First those that will open, the next one first, then those that
have opened, the latest first. A cursor names a campaign's rank: one that opens between two pages
may come twice, and none is left out for it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from coupons.campaigns import live_counts
from coupons.campaigns.effective_state import effective_state
from coupons.campaigns.lifecycle import LIVE
from coupons.campaigns.shared_value import SharedValue
from coupons.campaigns.snapshot import public_terms
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.database import availability, clock
from coupons.errors import BadInput, StoreFailure
from coupons.models import Campaign, Tally
from coupons.runtime import ProcessState
from coupons.store import ByCampaign, Gate, store

FRESH_S, STALE_S, KEPT_S = 5.0, 10.0, 300.0  # see `shared_value`
MOST_LISTED = 1_000  # campaigns; those that open next are not the ones left out
MOST_IN_PAGE = 100
_CURSOR = re.compile(r"([ab])([01])-([0-9]{1,15})-([0-9]{1,18})", re.ASCII)

Rank = tuple[int, int, int]  # 0: will open, 1: has opened; in their order; id


@dataclass(frozen=True, slots=True)
class Listed:
    """Times in ms; `state` by the campaign's deciding clock, or `sold_out`."""

    slug: str
    name: str
    state: str
    opens_ms: int
    closes_ms: int
    stock: int
    terms: dict[str, str | None]
    has_audience: bool


@dataclass(frozen=True, slots=True)
class AnnouncedPage:
    """`next`, `previous`: cursors; None: there is no such page."""

    results: Sequence[Listed]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class _Listing:
    ranks: list[Rank]
    campaigns: list[Listed]


def _new_listing() -> SharedValue[_Listing]:
    return SharedValue(fresh_s=FRESH_S, stale_s=STALE_S, kept_s=KEPT_S)


_listing = ProcessState(_new_listing)


def list_announced(cursor: str = "", limit: int = 50) -> AnnouncedPage:
    """A page of the list, at most FRESH_S old; at most KEPT_S while MySQL is away. Raises BadInput
    (a cursor of no page, or `limit` not from 1 to MOST_IN_PAGE), DatabaseAway."""
    if not 1 <= limit <= MOST_IN_PAGE:
        raise BadInput("limit", f"must be a whole number from 1 to {MOST_IN_PAGE}")
    bound = _read_cursor(cursor)
    listing = _listing.current.read_value(_load_listing)
    ranks, start, end = listing.ranks, 0, limit
    if bound is not None:
        is_after, rank = bound
        start = bisect_right(ranks, rank) if is_after else bisect_left(ranks, rank) - limit
        start, end = max(start, 0), max(start + limit, 0)
    results = listing.campaigns[start:end]
    return AnnouncedPage(
        results,
        _cursor("a", ranks[end - 1]) if results and end < len(ranks) else None,
        _cursor("b", ranks[start]) if results and start > 0 else None,
    )


def _cursor(direction: str, rank: Rank) -> str:
    group, order, campaign_id = rank
    return f"{direction}{group}-{abs(order)}-{campaign_id}"


def _read_cursor(text: str) -> tuple[bool, Rank] | None:
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise BadInput("cursor", "is not one that this list gave")
    direction, group, order, campaign_id = found.groups()
    signed = -int(order) if group == "1" else int(order)
    return direction == "a", (int(group), signed, int(campaign_id))


def _load_listing() -> _Listing:
    now_ms = clock.now_ms()
    with availability.require_database():
        rows = _announced_rows(now_ms)
        tallies = Tally.objects.filter(campaign__in=[row.pk for row in rows])
        stored = dict(tallies.values_list("campaign_id", "stored"))
    gates = _gates_if_redis_answers(rows)
    listed = []
    for row in rows:
        gate = gates.get(row.slug)
        own_now_ms = now_ms if gate is None else gate.now_ms
        state = _state(row, gate, stored.get(row.pk, 0), now_ms)
        if state != Campaign.State.CLOSED and _is_announced(row, own_now_ms):
            listed.append((_rank(row, own_now_ms), _listed(row, state)))
    listed.sort(key=lambda pair: pair[0])
    return _Listing([rank for rank, _ in listed], [campaign for _, campaign in listed])


def _announced_rows(now_ms: int) -> list[Campaign]:
    now = moment_of(now_ms)
    public = Campaign.objects.filter(
        Q(announced_at__isnull=True) | Q(announced_at__lte=now),
        state__in=LIVE,
        is_listed=True,
        closes_at__gt=now,
    )
    ahead: QuerySet[Campaign] = public.filter(opens_at__gt=now).order_by("opens_at", "pk")
    rows = list(ahead[:MOST_LISTED])
    opened = public.filter(opens_at__lte=now).order_by(F("opens_at").desc(), "-pk")
    return rows + list(opened[: MOST_LISTED - len(rows)])


def _gates_if_redis_answers(rows: Sequence[Campaign]) -> ByCampaign[Gate | None]:
    queued = [row.slug for row in rows if row.strategy == Campaign.Strategy.QUEUED]
    try:
        return store().campaigns.gates(queued) if queued else ByCampaign()
    except StoreFailure:
        return ByCampaign()


def _state(row: Campaign, gate: Gate | None, stored: int, now_ms: int) -> str:
    if gate is not None:
        return live_counts.state_at(
            gate.paused, gate.opens_ms, gate.closes_ms, gate.remaining, gate.now_ms
        )
    state = effective_state(row, now_ms)
    is_gone = stored >= row.stock  # of a queued one while Redis is away: by what is stored
    return "sold_out" if state == Campaign.State.OPEN and is_gone else state.value


def _is_announced(row: Campaign, now_ms: int) -> bool:
    return row.announced_at is None or milliseconds_of(row.announced_at) <= now_ms


def _rank(row: Campaign, now_ms: int) -> Rank:
    opens_ms = milliseconds_of(row.opens_at)
    return (0, opens_ms, row.pk) if opens_ms > now_ms else (1, -opens_ms, row.pk)


def _listed(row: Campaign, state: str) -> Listed:
    return Listed(
        slug=row.slug,
        name=row.name,
        state=state,
        opens_ms=milliseconds_of(row.opens_at),
        closes_ms=milliseconds_of(row.closes_at),
        stock=row.stock - row.granted,
        terms=public_terms(row),
        has_audience=bool(row.audience),
    )
