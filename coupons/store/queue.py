"""A campaign's queue as a stream with one consumer group, and its bell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from coupons import keys
from coupons.store.endpoint import Endpoint, Script, ms

BELL_MS = 1_000  # a bell not answered for so long may ring again
LOST_BELL_MS = 250  # and one that is known to be lost, for so long

SETTLE, PARK, LEAVE, REPLAY = map(Script, ("settle", "park", "leave", "replay"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a queue, fields as stored."""

    id: str
    fields: dict[bytes, bytes]


class Taken(NamedTuple):
    """Entries taken by a consumer, and the epoch of the gate just before; "" where it has none.

    The epoch is asked for first: entries that are there after a rebuild has opened the gate bear
    its epoch or an older one, never a newer one. `given`: how many places were given by then.
    """

    epoch: str
    given: int
    entries: list[Entry]


class QueueCalls(Endpoint):
    """Reading, settling, parking, ringing."""

    def read(self, slug: str, *, consumer: str, count: int) -> Taken:
        """Entries that no consumer has had yet."""
        names = keys.of(slug)
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            _ask_gate(pipe, names)
            pipe.xreadgroup(keys.GROUP, consumer, {names.queue: ">"}, count=count)
            marks, said = pipe.execute()
        return Taken(*_of_gate(marks), _entries(said[0][1]) if said else [])

    def take_over(self, slug: str, *, consumer: str, count: int, idle_ms: int) -> Taken:
        """Entries that some consumer has had for too long: it died, or its database was away."""
        names = keys.of(slug)
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            _ask_gate(pipe, names)
            pipe.xautoclaim(names.queue, keys.GROUP, consumer, min_idle_time=idle_ms, count=count)
            marks, said = pipe.execute()
        return Taken(*_of_gate(marks), _entries(said[1]))

    def settle(self, slug: str, ids: Sequence[str]) -> int:
        with self.asking():
            return int(SETTLE(self.client, (keys.of(slug).queue,), keys.GROUP, *ids))

    def park(self, slug: str, entry_id: str, reason: str) -> bool:
        names = keys.of(slug)
        with self.asking():
            return bool(
                PARK(self.client, (names.queue, names.parked), keys.GROUP, entry_id, reason)
            )

    def leave(self, slug: str, *, consumer: str) -> bool:
        """Forget a consumer that holds nothing."""
        with self.asking():
            return bool(LEAVE(self.client, (keys.of(slug).queue,), keys.GROUP, consumer))

    def waiting(self, slugs: Sequence[str]) -> dict[str, int]:
        """How many claims of each campaign wait to be stored."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xlen(keys.of(slug).queue)
            return dict(zip(slugs, pipe.execute(), strict=True))

    def waiting_since(self, slugs: Sequence[str]) -> dict[str, int]:
        """When the oldest waiting claim of each was queued, in ms; empty queues are left out."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xrange(keys.of(slug).queue, count=1)
            oldest = zip(slugs, pipe.execute(), strict=True)
        return {slug: int(found[0][0].partition(b"-")[0]) for slug, found in oldest if found}

    def parked(
        self, slug: str, *, after: str = "", until: str = "+", count: int = 100
    ) -> list[Entry]:
        """Claims set aside, oldest first, from behind the entry `after` up to `until`."""
        return self._range(keys.of(slug).parked, after, count, until)

    def parked_at(self, slug: str, entry_id: str) -> list[Entry]:
        """The one claim set aside under this id, if it still is."""
        with self.asking():
            return _entries(self.client.xrange(keys.of(slug).parked, entry_id, entry_id))

    def newest_parked(self, slug: str) -> str:
        """Its id; "" if none is parked."""
        with self.asking():
            newest = _entries(self.client.xrevrange(keys.of(slug).parked, count=1))
        return newest[0].id if newest else ""

    def replay(self, slug: str, ids: Sequence[str]) -> int:
        """Put these back on the queue; how many were still parked."""
        names = keys.of(slug)
        with self.asking():
            return sum(int(REPLAY(self.client, (names.queue, names.parked), each)) for each in ids)

    def forget_parked(self, slug: str, entry_id: str) -> bool:
        with self.asking():
            return bool(self.client.xdel(keys.of(slug).parked, entry_id))

    def queued(self, slug: str, *, after: str = "", count: int = 100) -> list[Entry]:
        """Claims that wait, oldest first, from behind the entry `after`. Takes none of them."""
        return self._range(keys.of(slug).queue, after, count)

    def _range(self, stream: str, after: str, count: int, until: str = "+") -> list[Entry]:
        first = f"({after}" if after else "-"
        with self.asking():
            return _entries(self.client.xrange(stream, first, until, count=count))

    def ring(self, slug: str) -> bool:
        """Say that a drain is on its way; False if that was said already."""
        with self.asking():
            return bool(self.client.set(keys.of(slug).bell, 1, nx=True, px=BELL_MS))

    def ring_each(self, slugs: Sequence[str]) -> list[str]:
        """As `ring`, for many in one round trip: those that were not rung already."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.set(keys.of(slug).bell, 1, nx=True, px=BELL_MS)
            return [slug for slug, rung in zip(slugs, pipe.execute(), strict=True) if rung]

    def was_lost(self, slug: str) -> None:
        """The bell reached nobody: it may ring again soon, but not for every claim."""
        with self.asking():
            self.client.pexpire(keys.of(slug).bell, LOST_BELL_MS)

    def keep_ringing(self, slug: str) -> None:
        """A drain is at work: nobody else needs to ring."""
        with self.asking():
            self.client.set(keys.of(slug).bell, 1, px=BELL_MS)

    def silence(self, slug: str) -> None:
        """From here on the next admission rings again."""
        with self.asking():
            self.client.delete(keys.of(slug).bell)

    def canary_came(self) -> None:
        """A worker heard a bell and got here with it."""
        with self.asking():
            self.client.set(keys.CANARY, ms(self.client.time()))

    def canary_age_ms(self) -> int | None:
        """Since a canary last came; None: never."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            pipe.get(keys.CANARY)
            pipe.time()
            came, now = pipe.execute()
        return None if came is None else max(0, ms(now) - int(came))


def _ask_gate(pipe: Any, names: keys.CampaignKeys) -> None:
    pipe.hmget(names.gate, "epoch", "before", "next")


def _of_gate(said: list[bytes | None]) -> tuple[str, int]:
    """Its epoch (while it is closed for repair, the one under which it was open), places given."""
    epoch, before, given = said
    return (epoch or before or b"").decode(), int(given or 0)


def _entries(raw: Any) -> list[Entry]:
    return [Entry(entry_id.decode(), dict(fields)) for entry_id, fields in raw if fields]
