"""The one door to the Redis that decides. Every answer is typed, every driver error translated.

One script per decision (`lua/`), one method per script or command. Nothing here retries: a call
that got no answer in `REDIS_TIMEOUT_S` raises `StoreAway`, and asking again is the caller's choice.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import redis
from django.conf import settings
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupons import keys
from coupons.errors import NotInstalled, OutcomeUnknown, StoreAway
from coupons.groupcommit import GroupCommit
from coupons.wire import Wire

BELL_MS = 1_000  # a bell not answered for so long may ring again
LOST_BELL_MS = 250  # and one that is known to be lost, for so long


class Decision(NamedTuple):
    """The reply of `admit.lua`, as it stands there."""

    said: str
    place: int
    at_ms: int
    ring: bool
    version: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """A campaign's live state. Times in milliseconds of Redis' clock."""

    epoch: str
    stock: int
    opens_ms: int
    closes_ms: int
    paused: bool
    admitted: int
    waiting: int
    parked: int
    now_ms: int

    @property
    def remaining(self) -> int:
        return max(0, self.stock - self.admitted)


@dataclass(frozen=True, slots=True)
class Definition:
    """What `install` writes into the gate."""

    epoch: str
    stock: int
    opens_ms: int
    closes_ms: int
    paused: bool
    longest: int
    facts: bytes
    filter_bits: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a queue, fields as stored."""

    id: str
    fields: dict[bytes, bytes]


class Script:
    """A Lua file, called by its hash and sent whole only when the server does not know it."""

    def __init__(self, name: str) -> None:
        self.text = (Path(__file__).parent / "lua" / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def packed(self, names: Sequence[str], *arguments: Any) -> bytes:
        """The call as it goes over the wire."""
        call = ("EVALSHA", self.sha, len(names), *names, *arguments)
        return cast(bytes, pack_command(call))

    def __call__(self, client: redis.Redis, names: Sequence[str], *arguments: Any) -> Any:
        try:
            return client.evalsha(self.sha, len(names), *names, *arguments)
        except redis.exceptions.NoScriptError:  # nothing ran: sending it whole is no second try
            return client.eval(self.text, len(names), *names, *arguments)


ADMIT, INSTALL, SETTLE, PARK, LEAVE = map(Script, ("admit", "install", "settle", "park", "leave"))


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreAway(f"Redis: {error}") from error


class Store:
    """Calls on one Redis endpoint. Safe to share between threads and across a fork."""

    def __init__(self, url: str, *, timeout_s: float, max_connections: int) -> None:
        self.client = redis.Redis(
            connection_pool=redis.BlockingConnectionPool.from_url(
                url,
                max_connections=max_connections,
                timeout=timeout_s,  # to get a connection; the next two: to connect, to be answered
                socket_connect_timeout=timeout_s,
                socket_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        )
        wire = Wire(self.client.connection_pool)
        self._together = GroupCommit(wire.exchange, timeout_s=timeout_s)

    # Admission

    def admit(self, slug: str, *, user: str, nth: int, per_user: int, buckets: int) -> Decision:
        """Ask for a place, in one round trip. Raises StoreAway, OutcomeUnknown."""
        names, field = keys.of(slug), keys.field(user, nth, per_user)
        touched = (names.gate, names.bucket(field, buckets), names.queue, names.bell, names.filter)
        replicas = settings.REDIS_WAIT_REPLICAS
        bits = keys.bits(field, keys.filter_bits(buckets))
        asked = (field, user.encode(), nth, BELL_MS, int(replicas > 0), *bits)
        try:
            if replicas:
                return self._admit_and_wait(touched, asked, replicas)
            return self._admit_together(touched, asked)
        except redis.RedisError as error:
            raise StoreAway(f"Redis: {error}") from error

    def _admit_together(self, touched: Sequence[str], asked: Any) -> Decision:
        try:
            return _decision(self._together.call(ADMIT.packed(touched, *asked)))
        except redis.exceptions.NoScriptError:  # nothing ran
            return _decision(ADMIT(self.client, touched, *asked))

    def _admit_and_wait(self, touched: Sequence[str], asked: Any, replicas: int) -> Decision:
        # On a connection of its own: WAIT speaks of that connection's writes.
        with self.client.client() as connection:  # type: ignore[no-untyped-call]
            decision = _decision(ADMIT(connection, touched, *asked))
            if decision.place:
                self._confirm(connection, replicas)
            return decision

    def _confirm(self, connection: redis.Redis, replicas: int) -> None:
        if connection.wait(replicas, settings.REDIS_WAIT_MS) < replicas:
            raise OutcomeUnknown(f"Fewer than {replicas} replicas confirmed in time.")

    # Campaigns

    def install(self, slug: str, definition: Definition, *, create: bool) -> tuple[str, int]:
        """What `install.lua` says, and the places given so far."""
        names, d = keys.of(slug), definition
        with translated():
            said, given = INSTALL(
                self.client, (names.gate, names.queue, names.filter),
                d.epoch, int(create), d.stock, d.opens_ms, d.closes_ms, int(d.paused),
                d.longest, d.facts, keys.GROUP, d.filter_bits,
            )  # fmt: skip
            if said == b"installed":
                self.client.sadd(keys.INSTALLED, slug)
        return said.decode(), int(given)

    def facts(self, slug: str) -> bytes | None:
        """The facts that `install` left in the gate; None: this campaign is not in Redis."""
        with translated():
            found = self.client.hget(keys.of(slug).gate, "facts")
        return cast("bytes | None", found)

    def gate(self, slug: str) -> Gate:
        """Live counts. Raises NotInstalled where the gate is missing."""
        gate = self.gates([slug])[slug]
        if gate is None:
            raise NotInstalled(f"Redis holds no gate for {slug!r}.")
        return gate

    def gates(self, slugs: Sequence[str]) -> dict[str, Gate | None]:
        """Live counts of many campaigns in one round trip; None where the gate is missing.

        One campaign is read at one moment; several may lie in several slots, so each is read at
        its own.
        """
        with translated(), self.client.pipeline(transaction=len(slugs) == 1) as pipe:
            for slug in slugs:
                names = keys.of(slug)
                pipe.hmget(names.gate, "epoch", "stock", "opens", "closes", "paused", "next")
                pipe.xlen(names.queue)
                pipe.xlen(names.parked)
            pipe.time()
            *replies, time = pipe.execute()
        now_ms = _ms(time)
        each = zip(replies[::3], replies[1::3], replies[2::3], strict=True)
        return {slug: _gate(*reply, now_ms) for slug, reply in zip(slugs, each, strict=True)}

    def place_of(
        self, slug: str, *, user: str, nth: int, per_user: int, buckets: int
    ) -> tuple[int, int] | None:
        """The claimant's place and moment (ms), or None. Raises NotInstalled."""
        names, field = keys.of(slug), keys.field(user, nth, per_user)
        with translated(), self.client.pipeline(transaction=False) as pipe:
            pipe.hexists(names.gate, "epoch")
            pipe.hget(names.bucket(field, buckets), field)
            installed, known = pipe.execute()
        if not installed:
            raise NotInstalled(f"Redis holds no gate for {slug!r}.")
        return known and (int.from_bytes(known[:4]), int.from_bytes(known[4:]))

    def filter(self, slug: str, *, version: str) -> bytes | None:
        """The filter of exactly those claimants; None: there are others by now."""
        names = keys.of(slug)
        with translated(), self.client.pipeline(transaction=True) as pipe:
            pipe.hmget(names.gate, "epoch", "next")
            pipe.get(names.filter)
            (epoch, given), found = pipe.execute()
        return found if epoch and version.encode() == b"%b:%b" % (epoch, given) else None

    def installed(self) -> list[str]:
        """The slugs of all installed campaigns."""
        with translated():
            members: Any = self.client.smembers(keys.INSTALLED)
        return sorted(slug.decode() for slug in members)

    def now_ms(self) -> int:
        with translated():
            return _ms(self.client.time())

    def told(self) -> dict[str, object]:
        """What the server says of itself (INFO), which a managed one tells too, unlike CONFIG."""
        with translated():
            return dict(self.client.info())

    # Queue and bell

    def read(self, slug: str, *, consumer: str, count: int) -> list[Entry]:
        """Entries that no consumer has had yet."""
        queue = keys.of(slug).queue
        with translated():
            said: Any = self.client.xreadgroup(keys.GROUP, consumer, {queue: ">"}, count=count)
        return _entries(said[0][1]) if said else []

    def take_over(self, slug: str, *, consumer: str, count: int, idle_ms: int) -> list[Entry]:
        """Entries that some consumer has had for too long: it died, or its database was away."""
        queue = keys.of(slug).queue
        with translated():
            said: Any = self.client.xautoclaim(
                queue, keys.GROUP, consumer, min_idle_time=idle_ms, count=count
            )
        return _entries(said[1])

    def settle(self, slug: str, ids: Sequence[str]) -> int:
        with translated():
            return int(SETTLE(self.client, (keys.of(slug).queue,), keys.GROUP, *ids))

    def park(self, slug: str, entry_id: str, reason: str) -> bool:
        names = keys.of(slug)
        with translated():
            return bool(
                PARK(self.client, (names.queue, names.parked), keys.GROUP, entry_id, reason)
            )

    def leave(self, slug: str, *, consumer: str) -> bool:
        """Forget a consumer that holds nothing."""
        with translated():
            return bool(LEAVE(self.client, (keys.of(slug).queue,), keys.GROUP, consumer))

    def waiting(self, slugs: Sequence[str]) -> dict[str, int]:
        """How many claims of each campaign wait to be stored."""
        with translated(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.xlen(keys.of(slug).queue)
            return dict(zip(slugs, pipe.execute(), strict=True))

    def parked(self, slug: str, *, after: str = "", count: int = 100) -> list[Entry]:
        """Claims set aside, oldest first, from behind the entry `after`."""
        first = f"({after}" if after else "-"
        with translated():
            return _entries(self.client.xrange(keys.of(slug).parked, first, count=count))

    def ring(self, slug: str) -> bool:
        """Say that a drain is on its way; False if that was said already."""
        with translated():
            return bool(self.client.set(keys.of(slug).bell, 1, nx=True, px=BELL_MS))

    def was_lost(self, slug: str) -> None:
        """The bell reached nobody: it may ring again soon, but not for every claim."""
        with translated():
            self.client.pexpire(keys.of(slug).bell, LOST_BELL_MS)

    def keep_ringing(self, slug: str) -> None:
        """A drain is at work: nobody else needs to ring."""
        with translated():
            self.client.set(keys.of(slug).bell, 1, px=BELL_MS)

    def silence(self, slug: str) -> None:
        """From here on the next admission rings again."""
        with translated():
            self.client.delete(keys.of(slug).bell)


@cache
def store() -> Store:
    """This process's store."""
    return Store(
        settings.REDIS_URL,
        timeout_s=settings.REDIS_TIMEOUT_S,
        max_connections=settings.REDIS_MAX_CONNECTIONS,
    )


def _decision(reply: Any) -> Decision:
    said, place, at_ms, ring, *version = reply
    return Decision(said.decode(), place, at_ms, bool(ring), version[0].decode() if version else "")


def _gate(fields: list[Any], waiting: int, parked: int, now_ms: int) -> Gate | None:
    epoch, *numbers = fields
    if epoch is None:
        return None
    stock, opens, closes, paused, given = map(int, numbers)
    return Gate(epoch.decode(), stock, opens, closes, bool(paused), given, waiting, parked, now_ms)


def _entries(raw: Any) -> list[Entry]:
    return [Entry(entry_id.decode(), dict(fields)) for entry_id, fields in raw if fields]


def _ms(time: Any) -> int:
    return int(time[0]) * 1000 + int(time[1]) // 1000
