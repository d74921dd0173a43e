"""A campaign's queue as a stream with one consumer group, and its bell."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import redis

from coupons.observability import metrics
from coupons.store import keys
from coupons.store.client import Script, StoreClient, time_ms
from coupons.store.replies import Each, failure_of, parsing_reply, reply_each

SETTLE, PARK, LEAVE, REPLAY, GROUP = map(Script, ("settle", "park", "leave", "replay", "group"))

logger = logging.getLogger(__name__)


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


class QueueCalls(StoreClient):
    """Reading, settling, parking, ringing."""

    def read(self, slug: str, *, consumer: str, count: int) -> Taken:
        """Entries that no consumer has had yet."""
        queue = keys.campaign_keys(slug).queue

        def ask(pipe: Any) -> None:
            pipe.xreadgroup(keys.GROUP, consumer, {queue: ">"}, count=count)

        marks, said = self._take(slug, ask)
        return _taken(slug, marks, said[0][1] if said else [])

    def take_over(self, slug: str, *, consumer: str, count: int, idle_ms: int) -> Taken:
        """Entries that some consumer has had for too long: it died, or its database was away."""
        queue = keys.campaign_keys(slug).queue

        def ask(pipe: Any) -> None:
            pipe.xautoclaim(queue, keys.GROUP, consumer, min_idle_time=idle_ms, count=count)

        marks, said = self._take(slug, ask)
        return _taken(slug, marks, said[1] if said else [])

    def _take(self, slug: str, ask: Callable[[Any], None]) -> list[Any]:
        """The gate's marks and the reply to what is asked; None where there is no queue. A group
        that is missing is made first."""
        with self.asking():
            said = self._marks_and(slug, ask)
            if _no_group(said[1]):
                self._make_group(slug)
                said = self._marks_and(slug, ask)
            if _no_group(said[1]):
                said[1] = None
            for reply in said:
                if isinstance(reply, redis.RedisError):
                    raise failure_of(reply, slug) from reply
        return said

    def _marks_and(self, slug: str, ask: Callable[[Any], None]) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.campaign_keys(slug).gate, "epoch", "before", "next")
            ask(pipe)
            return pipe.execute(raise_on_error=False)

    def _make_group(self, slug: str) -> None:
        names = keys.campaign_keys(slug)
        if GROUP(self.client, (names.gate, names.queue), keys.GROUP):
            metrics.GROUPS_MADE.inc()
            logger.warning("the consumer group of %s was missing and is made anew", slug)

    def settle(self, slug: str, ids: Sequence[str]) -> int:
        """When it was done, by Redis' clock, in ms."""
        with self.asking():
            return time_ms(SETTLE(self.client, (keys.campaign_keys(slug).queue,), keys.GROUP, *ids))

    def park(self, slug: str, entry_id: str, reason: str) -> bool:
        names = keys.campaign_keys(slug)
        with self.asking():
            return bool(
                PARK(self.client, (names.queue, names.parked), keys.GROUP, entry_id, reason)
            )

    def leave(self, slug: str, *, consumer: str) -> bool:
        """Forget a consumer that holds nothing. Whether there are entries again to be read, which
        the group had counted as read without giving them to anybody."""
        with self.asking():
            return bool(LEAVE(self.client, (keys.campaign_keys(slug).queue,), keys.GROUP, consumer))

    def waiting(self, slugs: Sequence[str]) -> Each[int]:
        """How many claims of each campaign wait to be stored."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xlen(keys.campaign_keys(slug).queue)
            return reply_each(slugs, pipe.execute(raise_on_error=False), int)

    def waiting_since(self, slugs: Sequence[str]) -> Each[int | None]:
        """When the oldest waiting claim of each was queued, in ms; None: none waits."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xrange(keys.campaign_keys(slug).queue, count=1)
            return reply_each(slugs, pipe.execute(raise_on_error=False), _moment)

    def parked(
        self, slug: str, *, after: str = "", until: str = "+", count: int = 100
    ) -> list[Entry]:
        """Claims set aside, oldest first, from behind the entry `after` up to `until`."""
        return self._range(keys.campaign_keys(slug).parked, after, count, until)

    def parked_at(self, slug: str, entry_id: str) -> list[Entry]:
        """The one claim set aside under this id, if it still is."""
        with self.asking():
            return _entries(self.client.xrange(keys.campaign_keys(slug).parked, entry_id, entry_id))

    def newest_parked(self, slug: str) -> str:
        """Its id; "" if none is parked."""
        with self.asking():
            newest = _entries(self.client.xrevrange(keys.campaign_keys(slug).parked, count=1))
        return newest[0].id if newest else ""

    def replay(self, slug: str, ids: Sequence[str]) -> int:
        """Put these back on the queue; how many were still parked."""
        names = keys.campaign_keys(slug)
        with self.asking():
            return sum(int(REPLAY(self.client, (names.queue, names.parked), each)) for each in ids)

    def forget_parked(self, slug: str, entry_id: str) -> bool:
        with self.asking():
            return bool(self.client.xdel(keys.campaign_keys(slug).parked, entry_id))

    def queued(self, slug: str, *, after: str = "", count: int = 100) -> list[Entry]:
        """Claims that wait, oldest first, from behind the entry `after`. Takes none of them."""
        return self._range(keys.campaign_keys(slug).queue, after, count)

    def _range(self, stream: str, after: str, count: int, until: str = "+") -> list[Entry]:
        first = f"({after}" if after else "-"
        with self.asking():
            return _entries(self.client.xrange(stream, first, until, count=count))


def _no_group(reply: Any) -> bool:
    return isinstance(reply, redis.ResponseError) and str(reply).startswith("NOGROUP")


def _taken(slug: str, marks: list[bytes | None], entries: list[Any]) -> Taken:
    """With the gate's epoch (while it is closed for repair, the one under which it was open). A
    damaged gate keeps nobody from storing what was admitted before: places given are only noted,
    and an epoch that can't be read is none of MySQL's."""
    epoch, before, given = marks
    known = given is not None and given.isdigit()
    with parsing_reply(f"a queue of {slug}"):
        return Taken(
            (epoch or before or b"").decode(errors="replace"),
            int(given or 0) if known else 0,
            _entries(entries),
        )


def _moment(found: list[Any]) -> int | None:
    """Of the oldest entry, which its id begins with."""
    return int(found[0][0].partition(b"-")[0]) if found else None


def _entries(raw: Any) -> list[Entry]:
    return [Entry(entry_id.decode(), dict(fields)) for entry_id, fields in raw if fields]
