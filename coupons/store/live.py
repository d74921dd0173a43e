"""What everybody may see of a campaign while it runs: its gate, the moment of the last place, and
how many have asked."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from coupons.errors import NotInstalled
from coupons.store import keys
from coupons.store.campaigns import Gate, gate_of, server_ms
from coupons.store.client import SubjectCalls
from coupons.store.demand import RING_S, DemandSecond, parse_seconds, ring_slots
from coupons.store.layouts import demand_known
from coupons.store.replies import parsing_reply, reply_each

SLOTS_AT_ONCE = 60  # seconds of demand, of a reader who has the ones before


@dataclass(frozen=True, slots=True)
class Counts:
    """Claims answered so far, every repetition counted: `refused` are those without a place.
    Processes add theirs twice a second; a killed one loses half a second of them."""

    asked: int
    refused: int


@dataclass(frozen=True, slots=True)
class LiveGate:
    """A campaign's public live data. Times in milliseconds of Redis' clock; `stock` without the
    units raised for grants; `last_place_ms` None: not known."""

    stock: int
    remaining: int
    opens_ms: int
    closes_ms: int
    paused: bool
    last_place_ms: int | None
    counts: Counts
    now_ms: int


@dataclass(frozen=True, slots=True)
class SaleReading:
    """All that the operators' live page asks of Redis. `gate` None: Redis has no such campaign.
    `oldest_ms`: when the oldest waiting claim was admitted; None: no claim waits. `canary_ms`,
    `swept_ms`: when a worker last handled them; None: never. All by Redis' clock."""

    gate: Gate | None
    oldest_ms: int | None
    canary_ms: int | None
    swept_ms: int | None
    seconds: list[DemandSecond]
    now_ms: int


_GATE_FIELDS = ("epoch", "stock", "opens", "closes", "paused", "next", "granted", "layout")
_FIELDS = ("epoch", "layout", "granted", "last", "stock", "opens", "closes", "paused", "next")


class LiveCalls(SubjectCalls):
    def read_gate(self, slug: str) -> LiveGate:
        """All of one moment. Raises NotInstalled if the gate is missing, StoreAway, StoreError."""
        names = keys.campaign_keys(slug)
        with self.guard_call(), self.client.pipeline(transaction=True) as pipe:
            pipe.hmget(names.gate, *_FIELDS)
            pipe.hmget(names.counts, "asked", "refused")
            pipe.time()
            fields, counts, clock = pipe.execute(raise_on_error=False)
        now_ms = server_ms(clock)
        parsed = reply_each(
            [slug], [fields, counts], lambda *replies: _live_gate(slug, now_ms, *replies)
        )
        gate = parsed.result(slug)
        if gate is None:
            raise NotInstalled(f"Redis holds no gate for {slug!r}.")
        return gate

    def read_sale(self, slug: str, since_ms: int = 0) -> SaleReading:
        """In one round trip, the demand from `since_ms` on. The gate is read before the queue, so
        that a claim that is stored meanwhile is not missed. Raises StoreAway, StoreError."""
        names = keys.campaign_keys(slug)
        first_s = since_ms // 1000
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.hmget(names.gate, *_GATE_FIELDS)
            pipe.xlen(names.queue)
            pipe.xlen(names.parked)
            pipe.xrange(names.queue, count=1)
            if since_ms:
                pipe.hmget(names.demand, ring_slots(first_s, first_s + SLOTS_AT_ONCE))
            else:
                pipe.hmget(names.demand, ring_slots(0, RING_S))
            pipe.get(keys.CANARY)
            pipe.get(keys.SWEPT)
            pipe.time()
            *replies, clock = pipe.execute(raise_on_error=False)
        now_ms = server_ms(clock)
        parsed = reply_each([slug], replies, partial(_sale_reading, now_ms, since_ms))
        return parsed.result(slug)

    def last_place_ms(self, slug: str) -> int | None:
        """When the last place of the stock was given; None: it was not yet, or is not known.
        Raises StoreAway, StoreError."""
        with self.guard_call():
            reply: Any = self.client.hget(keys.campaign_keys(slug).gate, "last")
        with parsing_reply(f"a moment of {slug}"):
            return None if reply is None else int(reply)

    def read_counts(self, slug: str) -> Counts:
        """Raises StoreAway, StoreError."""
        with self.guard_call():
            reply: Any = self.client.hmget(keys.campaign_keys(slug).counts, "asked", "refused")
        return _counts(reply)


def _sale_reading(
    now_ms: int,
    since_ms: int,
    fields: list[Any],
    waiting: int,
    parked: int,
    oldest: list[Any],
    demand: list[Any],
    *marks: bytes | None,
) -> SaleReading:
    canary_ms, swept_ms = (None if mark is None else int(mark) for mark in marks)
    return SaleReading(
        gate=gate_of(now_ms, fields, waiting, parked),
        oldest_ms=int(oldest[0][0].split(b"-")[0]) if oldest else None,
        canary_ms=canary_ms,
        swept_ms=swept_ms,
        seconds=parse_seconds(filter(None, demand), max(since_ms, now_ms - 1000 * RING_S)),
        now_ms=now_ms,
    )


def _live_gate(slug: str, now_ms: int, fields: list[Any], counts: list[Any]) -> LiveGate | None:
    epoch, layout, granted, last, *numbers = fields
    if epoch is None:
        return None
    demand_known(slug, layout)
    stock, opens_ms, closes_ms, paused, given = map(int, numbers)
    return LiveGate(
        stock=stock - int(granted or 0),
        remaining=max(0, stock - given),
        opens_ms=opens_ms,
        closes_ms=closes_ms,
        paused=bool(paused),
        last_place_ms=None if last is None else int(last),
        counts=_counts(counts),
        now_ms=now_ms,
    )


def _counts(reply: list[Any]) -> Counts:
    asked, refused = (int(number or 0) for number in reply)
    return Counts(asked, refused)
