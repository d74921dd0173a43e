"""A campaign's queue, a Redis stream with one consumer group, and its stream of parked claims."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import redis

from coupons import dry_run
from coupons.observability import metrics
from coupons.store import keys
from coupons.store.client import Script, StoreClient, SubjectCalls, time_ms
from coupons.store.replies import ByCampaign, failure_of, parsing_reply, reply_each

SETTLE, PARK, LEAVE, REPLAY, GROUP = map(Script, ("settle", "park", "leave", "replay", "group"))

logger = logging.getLogger(__name__)


class Entry(NamedTuple):
    """One entry of a queue, fields as stored."""

    id: str
    fields: dict[bytes, bytes]


class Taken(NamedTuple):
    """Entries taken by a consumer, and the gate's epoch just before; "" if it has none.

    The epoch is read before the entries: if a rebuild opens the gate between the two reads, the
    entries are labelled with the older epoch, never with a newer one. `given`: places given by
    then.
    """

    epoch: str
    given: int
    entries: list[Entry]


class QueueCalls(SubjectCalls):
    """Consuming a queue: read, take over, settle, park, replay."""

    def __init__(self, shared: StoreClient) -> None:
        super().__init__(shared)
        # Of a batch redis-py would make dicts first, at four times the cost of reading the reply.
        self._reader = redis.Redis(connection_pool=shared.client.connection_pool)
        for command in ("XREADGROUP", "XAUTOCLAIM"):
            self._reader.set_response_callback(command, _as_received)

    def read_new(self, slug: str, *, consumer: str, count: int) -> Taken:
        """Take entries that no consumer has read yet (XREADGROUP). Raises StoreAway, StoreError."""
        queue = keys.campaign_keys(slug).queue

        def add_command(pipe: Any) -> None:
            pipe.xreadgroup(keys.GROUP, consumer, {queue: ">"}, count=count)

        marks, reply = self._run_on_queue(slug, add_command)
        return _parse_taken(slug, marks, reply[0][1] if reply else [])

    def take_over(self, slug: str, *, consumer: str, count: int, idle_ms: int) -> Taken:
        """Take entries that another consumer has held for `idle_ms` or longer (XAUTOCLAIM): it
        died, or its database was away. Raises StoreAway, StoreError."""
        queue = keys.campaign_keys(slug).queue

        def add_command(pipe: Any) -> None:
            pipe.xautoclaim(queue, keys.GROUP, consumer, min_idle_time=idle_ms, count=count)

        marks, reply = self._run_on_queue(slug, add_command)
        return _parse_taken(slug, marks, reply[1] if reply else [])

    def _run_on_queue(self, slug: str, add_command: Callable[[Any], None]) -> list[Any]:
        """The gate's `epoch`, `before` and `next`, and the reply to the command that `add_command`
        adds to the pipeline (None if there is no queue). Makes a missing consumer group first."""
        with self.guard_call():
            replies = self._read_gate_and(slug, add_command)
            if _no_group(replies[1]):
                self._make_group(slug)
                replies = self._read_gate_and(slug, add_command)
            if _no_group(replies[1]):
                replies[1] = None
            for part in replies:
                if isinstance(part, redis.RedisError):
                    raise failure_of(part, slug) from part
        return replies

    def _read_gate_and(self, slug: str, add_command: Callable[[Any], None]) -> list[Any]:
        with self._reader.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.campaign_keys(slug).gate, "epoch", "before", "next")
            add_command(pipe)
            return pipe.execute(raise_on_error=False)

    def _make_group(self, slug: str) -> None:
        names = keys.campaign_keys(slug)
        if GROUP(self.client, (names.gate, names.queue), keys.GROUP):
            metrics.GROUPS_MADE.inc()
            logger.warning("the consumer group of %s was missing and was created again", slug)

    def settle_entries(self, slug: str, ids: Sequence[str]) -> int:
        """Acknowledge and delete stored entries. Returns Redis' time then, in ms."""
        with self.guard_call():
            return time_ms(SETTLE(self.client, (keys.campaign_keys(slug).queue,), keys.GROUP, *ids))

    def park_entry(self, slug: str, entry_id: str, reason: str) -> bool:
        """Park an entry with its reason. False: another worker was faster."""
        names = keys.campaign_keys(slug)
        with self.guard_call():
            return bool(
                PARK(self.client, (names.queue, names.parked), keys.GROUP, entry_id, reason)
            )

    def leave_group(self, slug: str, *, consumer: str) -> bool:
        """Delete a consumer that holds no entries. Returns whether the queue must be read again:
        the group is missing, or it was reset because it counted entries as read that no consumer
        holds."""
        with self.guard_call():
            return bool(LEAVE(self.client, (keys.campaign_keys(slug).queue,), keys.GROUP, consumer))

    def waiting_counts(self, slugs: Sequence[str]) -> ByCampaign[int]:
        """Length of each campaign's queue: claims not yet stored."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xlen(keys.campaign_keys(slug).queue)
            return reply_each(slugs, pipe.execute(raise_on_error=False), int)

    def waiting_since(self, slugs: Sequence[str]) -> ByCampaign[int | None]:
        """When the oldest waiting claim of each campaign was queued, in ms; None: none waits."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xrange(keys.campaign_keys(slug).queue, count=1)
            return reply_each(slugs, pipe.execute(raise_on_error=False), _oldest_ms)

    def parked_entries(
        self, slug: str, *, after: str = "", until: str = "+", count: int = 100
    ) -> list[Entry]:
        """Parked claims, oldest first, after the entry `after` (exclusive) up to `until`."""
        return self._range(keys.campaign_keys(slug).parked, after, count, until)

    def parked_at(self, slug: str, entry_id: str) -> list[Entry]:
        """The parked claim with this id, as a list of one; empty if it is gone."""
        with self.guard_call():
            return _parse_entries(
                self.client.xrange(keys.campaign_keys(slug).parked, entry_id, entry_id)
            )

    def newest_parked(self, slug: str) -> str:
        """The id of the newest parked claim; "" if none is parked."""
        with self.guard_call():
            newest = _parse_entries(self.client.xrevrange(keys.campaign_keys(slug).parked, count=1))
        return newest[0].id if newest else ""

    def replay_parked(self, slug: str, ids: Sequence[str]) -> int:
        """Put parked claims back on the queue. Returns how many were still parked; in a dry run,
        how many are."""
        if dry_run.noted("claims", len(ids)):
            return sum(len(self.parked_at(slug, entry_id)) for entry_id in ids)
        names = keys.campaign_keys(slug)
        with self.guard_call():
            return sum(
                int(REPLAY(self.client, (names.queue, names.parked), entry_id)) for entry_id in ids
            )

    def forget_parked(self, slug: str, entry_id: str) -> bool:
        """Delete a parked claim. False: it was gone."""
        if dry_run.noted("claims"):
            return bool(self.parked_at(slug, entry_id))
        with self.guard_call():
            return bool(self.client.xdel(keys.campaign_keys(slug).parked, entry_id))

    def waiting_entries(self, slug: str, *, after: str = "", count: int = 100) -> list[Entry]:
        """Waiting claims, oldest first, after the entry `after` (exclusive). Read only."""
        return self._range(keys.campaign_keys(slug).queue, after, count)

    def _range(self, stream: str, after: str, count: int, until: str = "+") -> list[Entry]:
        first = f"({after}" if after else "-"
        with self.guard_call():
            return _parse_entries(self.client.xrange(stream, first, until, count=count))


def _no_group(reply: Any) -> bool:
    return isinstance(reply, redis.ResponseError) and str(reply).startswith("NOGROUP")


def _parse_taken(slug: str, marks: list[bytes | None], entries: list[Any]) -> Taken:
    """With the gate's epoch, or, while it is closed for repair, the one it was open under. A
    damaged gate raises no error, so that earlier claims can still be stored: an unreadable `next`
    counts as 0 (it is only recorded), and a garbled epoch equals none in MySQL, so the writer
    refuses it."""
    epoch, before, given = marks
    readable = given is not None and given.isdigit()
    with parsing_reply(f"a queue of {slug}"):
        return Taken(
            (epoch or before or b"").decode(errors="replace"),
            int(given or 0) if readable else 0,
            [_parse_entry(entry_id, fields) for entry_id, fields in entries if fields],
        )


def _as_received(reply: Any, **_: Any) -> Any:
    return reply


def _parse_entry(entry_id: bytes, fields: list[bytes]) -> Entry:
    """`fields`: names and values in turns."""
    words = iter(fields)
    return Entry(entry_id.decode(), dict(zip(words, words, strict=True)))


def _oldest_ms(entries: list[Any]) -> int | None:
    """When the oldest entry was added, ms: a stream id begins with it."""
    return int(entries[0][0].partition(b"-")[0]) if entries else None


def _parse_entries(raw: Any) -> list[Entry]:
    return [Entry(entry_id.decode(), dict(fields)) for entry_id, fields in raw if fields]
