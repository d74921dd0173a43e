"""What everybody may see of a campaign while it runs: its gate, the moment of the last place, and
how many have asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coupons.errors import NotInstalled
from coupons.store import keys
from coupons.store.campaigns import server_ms
from coupons.store.client import SubjectCalls
from coupons.store.layouts import demand_known
from coupons.store.replies import reply_each


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

    def read_counts(self, slug: str) -> Counts:
        """Raises StoreAway, StoreError."""
        with self.guard_call():
            reply: Any = self.client.hmget(keys.campaign_keys(slug).counts, "asked", "refused")
        return _counts(reply)

    def add_counts(self, counts: Mapping[str, Counts]) -> None:
        """Add to the counts of these campaigns, in one round trip. Not idempotent: after StoreAway
        it is not known whether they were added. Raises StoreAway; an error about one campaign's key
        is ignored."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug, more in counts.items():
                name = keys.campaign_keys(slug).counts
                pipe.hincrby(name, "asked", more.asked)
                pipe.hincrby(name, "refused", more.refused)
            pipe.execute(raise_on_error=False)


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
