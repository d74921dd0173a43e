"""What is known of a sale at one moment, as pure values: counts, ages, the last seconds' demand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from coupons.campaigns.demand import DEMAND_BUCKETS_MS, DemandSecond
from coupons.claims.values import Outcome

RATE_S, RECENT_S = 3, 10  # seconds over which rates, and shares and percentiles are taken
_OUTCOMES = frozenset(Outcome)
# Refused before anything was decided, to protect the rest; any other failure is an error.
TURNED_AWAY = frozenset({"queue_full", "too_many_requests", "overloaded", "closed_for_repair"})


@dataclass(frozen=True, slots=True)
class Demand:
    """Claims of some seconds, by what became of them. `repeats`: by who has this coupon already,
    which is no new demand."""

    placed: int = 0
    repeats: int = 0
    refused: int = 0
    turned_away: int = 0
    errors: int = 0

    @property
    def asked(self) -> int:
        """Those that were decided."""
        return self.placed + self.repeats + self.refused

    @property
    def everything(self) -> int:
        return self.asked + self.turned_away + self.errors


def demand_of(seconds: Iterable[DemandSecond]) -> Demand:
    placed = repeats = refused = turned_away = errors = 0
    for second in seconds:
        for word, count in second.counts.items():
            if word == Outcome.ADMITTED:
                placed += count
            elif word == Outcome.ALREADY_CLAIMED:
                repeats += count
            elif word in _OUTCOMES:
                refused += count
            elif word in TURNED_AWAY:
                turned_away += count
            else:
                errors += count
    return Demand(placed, repeats, refused, turned_away, errors)


def counts_by_word(seconds: Iterable[DemandSecond]) -> dict[str, int]:
    total: dict[str, int] = {}
    for second in seconds:
        for word, count in second.counts.items():
            total[word] = total.get(word, 0) + count
    return total


def percentile_ms(seconds: Sequence[DemandSecond], share: float = 0.99) -> int | None:
    """The upper bound of the bucket in which this share of the decisions ends. None: there was no
    decision; a million: above every bound."""
    sums = [sum(column) for column in zip(*(second.latency for second in seconds), strict=True)]
    wanted = share * sum(sums)
    if not wanted:
        return None
    reached = 0
    for bound, count in zip((*DEMAND_BUCKETS_MS, ABOVE_MS), sums, strict=True):
        reached += count
        if reached >= wanted:
            return bound
    return ABOVE_MS


ABOVE_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Checks:
    """The readiness board in short. `red`, `amber`: names of checks, for people."""

    green: int
    total: int
    red: tuple[str, ...] = ()
    amber: tuple[str, ...] = ()
    will_hold: bool = False  # the opening will be held back, unless that changes:
    hold_before_ms: int = 0  # so long before its moment


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused it, when and why; `reason`: typed, a key of PAUSE_REASONS, or empty."""

    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sale at one moment. None: not known. Ages and distances in ms, by the deciding clock;
    `opens_in_ms` and `closes_in_ms` are negative once that is past. `resumed_ms`: since the last
    resume, release or override. `slowest_ms`: the greatest age of a waiting claim during the last
    seconds. `rate` None: not known yet."""

    state: str
    is_held: bool = False
    pause: Pause | None = None
    is_queued: bool = True
    redis_answers: bool = True
    mysql_answers: bool = True
    storable_ms: int | None = None  # since MySQL answers again; None: no outage of it is known
    is_lost: bool = False  # Redis answers, but has no such campaign
    is_damaged: bool = False  # what it has can't be read
    opens_in_ms: int = 0
    closes_in_ms: int = 0
    resumed_ms: int | None = None
    stock: int = 0
    admitted: int | None = None
    stored: int = 0
    waiting: int | None = None
    parked: int | None = None
    missing: int = 0  # told, and in no store
    oldest_ms: int | None = None
    slowest_ms: int | None = None
    canary_ms: int | None = None
    sweep_ms: int | None = None
    rate: int | None = None  # claims decided in a second
    recent: Demand = field(default_factory=Demand)  # of RECENT_S
    asked_since_opening: int | None = None  # or since it was resumed, if that was later
    p99_ms: int | None = None
    checks: Checks | None = None
    sold_out_after_ms: int | None = None  # after the opening; None: not known

    @property
    def behind_ms(self) -> int:
        """For how long the oldest waiting claim could have been stored."""
        oldest_ms = self.oldest_ms or 0
        return oldest_ms if self.storable_ms is None else min(oldest_ms, self.storable_ms)

    @property
    def was_resumed_late(self) -> bool:
        """After the moment of its opening."""
        return self.resumed_ms is not None and self.resumed_ms < -self.opens_in_ms

    @property
    def claimable_ms(self) -> int:
        """For how long one could claim; negative before the opening."""
        since_ms = -self.opens_in_ms
        return since_ms if self.resumed_ms is None else min(since_ms, self.resumed_ms)

    @property
    def sold_out(self) -> bool:
        return self.admitted is not None and self.admitted >= self.stock > 0
