"""The gates of campaigns in Redis, one or many at a time, and facts about the Redis server."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import redis

from coupons import dry_run
from coupons.errors import NotInstalled
from coupons.store import keys
from coupons.store.client import Script, SubjectCalls, time_ms
from coupons.store.layouts import CREATED, demand_known
from coupons.store.replies import ByCampaign, failure_of, parsing_reply, reply_each

INSTALL, LIST = Script("install_check", "install"), Script("list")
WOULD_INSTALL = Script("install_check", "would_install", reads=True)
TYPES = Script("types", reads=True)
_TYPES = tuple(keys.TYPES.values())


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
    granted: int = 0  # units of `stock` that were raised for grants

    @property
    def remaining(self) -> int:
        return max(0, self.stock - self.admitted)


@dataclass(frozen=True, slots=True)
class Definition:
    """What `install_gate` writes into the gate. Times in milliseconds; `longest` is the most claims
    that may wait in the queue; `facts` is the campaign's snapshot as JSON; `last_ms` is when the
    last place was given, if the definition takes units back that were added after it."""

    epoch: str
    stock: int
    opens_ms: int
    closes_ms: int
    paused: bool
    longest: int
    facts: bytes
    filter_bits: int
    granted: int = 0
    last_ms: int | None = None


class CampaignCalls(SubjectCalls):
    """Reading and writing gates."""

    def install_gate(self, slug: str, definition: Definition, *, create: bool) -> tuple[str, int]:
        """Write the definition. Returns the outcome of `install.lua` (see its header) and the
        number of places given so far. A missing gate is made only with `create`. In a dry run the
        outcome is found out, and nothing is written."""
        names, d = keys.campaign_keys(slug), definition
        install = WOULD_INSTALL if dry_run.noted("install") else INSTALL
        with self.guard_call():
            outcome, given = install(
                self.client, (names.gate, names.queue, names.filter),
                d.epoch, int(create), d.stock, d.opens_ms, d.closes_ms, int(d.paused),
                d.longest, d.facts, keys.GROUP, d.filter_bits, CREATED, d.granted,
                "" if d.last_ms is None else d.last_ms,
            )  # fmt: skip
            if outcome == b"installed" and install is INSTALL:
                LIST(self.client, (keys.INSTALLED,), slug)
        return outcome.decode(), int(given)

    def installed_definition(self, slug: str) -> Definition | None:
        """The definition that `install_gate` last wrote; None: the campaign has no gate in Redis.
        Raises StoreError."""
        gate = keys.campaign_keys(slug).gate
        fields = (
            "layout", "granted", "epoch", "stock", "opens", "closes", "paused", "longest", "facts",
        )  # fmt: skip
        with self.guard_call(), self.client.pipeline(transaction=True) as pipe:
            pipe.hmget(gate, *fields)
            pipe.strlen(keys.campaign_keys(slug).filter)
            (layout, granted, epoch, *numbers, snapshot), filter_bytes = pipe.execute()
        if epoch is None:
            return None
        with parsing_reply(f"a definition of {slug}"):
            demand_known(slug, layout)
            stock, opens, closes, paused, longest = map(int, numbers)
            return Definition(
                epoch.decode(),
                stock,
                opens,
                closes,
                bool(paused),
                longest,
                snapshot,
                filter_bytes * 8,
                int(granted or 0),
            )

    def stored_snapshot(self, slug: str) -> tuple[bytes | None, int]:
        """The snapshot (JSON) that `install_gate` wrote, and Redis' time in ms; None: the campaign
        is not in Redis. Raises WrongLayout: a claim asks for its campaign's snapshot first."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.campaign_keys(slug).gate, "facts", "layout")
            pipe.time()
            (snapshot, layout), clock = pipe.execute()
        with parsing_reply(f"a layout of {slug}"):
            demand_known(slug, layout)
        return snapshot, time_ms(clock)

    def gate(self, slug: str) -> Gate:
        """Live counts. Raises NotInstalled if the gate is missing, StoreError."""
        gate = self.gates([slug]).result(slug)
        if gate is None:
            raise NotInstalled(f"Redis holds no gate for {slug!r}.")
        return gate

    def gates(self, slugs: Sequence[str]) -> ByCampaign[Gate | None]:
        """Live counts of many campaigns in one round trip; None where the gate is missing.

        One campaign is read in a transaction, as of one moment. Several are not, since their keys
        may lie in different cluster slots: their counts may be of slightly different moments.
        """
        with self.guard_call(), self.client.pipeline(transaction=len(slugs) == 1) as pipe:
            for slug in slugs:
                names = keys.campaign_keys(slug)
                fields = (
                    "epoch", "stock", "opens", "closes", "paused", "next", "granted", "layout",
                )  # fmt: skip
                pipe.hmget(names.gate, *fields)
                pipe.xlen(names.queue)
                pipe.xlen(names.parked)
            pipe.time()
            *replies, clock = pipe.execute(raise_on_error=False)
        now_ms = server_ms(clock)
        return reply_each(slugs, replies, partial(gate_of, now_ms))

    def installed_slugs(self) -> list[str]:
        """The slugs of all installed campaigns, sorted. Raises StoreError if the key is no set."""
        with self.guard_call():
            members: Any = self.client.smembers(keys.INSTALLED)
        return sorted(slug.decode(errors="replace") for slug in members)

    def forget_campaign(self, slug: str) -> None:
        """Delete all keys of a campaign, and its entry in the set of installed ones: for campaigns
        that are removed, never for one that has issued a coupon to anybody."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.srem(keys.INSTALLED, slug)
            pipe.delete(*astuple(keys.campaign_keys(slug)))
            pipe.execute()

    def list_installed(self, slugs: Sequence[str]) -> None:
        """Add campaigns to the set that `installed_slugs` reads. A key of another type is
        replaced."""
        with self.guard_call():
            LIST(self.client, (keys.INSTALLED,), *slugs)

    def wrongly_typed_keys(self, slugs: Sequence[str]) -> ByCampaign[dict[str, str]]:
        """For each campaign: the keys whose Redis type is not ours, as {short name: type found}."""
        campaigns = [keys.campaign_keys(slug) for slug in slugs]
        calls = [([getattr(names, key) for key in keys.TYPES], *_TYPES) for names in campaigns]
        with self.guard_call():
            return reply_each(slugs, TYPES.each(self.client, calls), _wrong_types)


def _wrong_types(pairs: list[Any]) -> dict[str, str]:
    names = list(keys.TYPES)
    numbers_and_types = zip(*[iter(pairs)] * 2, strict=True)
    return {names[number - 1]: redis_type.decode() for number, redis_type in numbers_and_types}


def server_ms(reply: Any) -> int:
    """Milliseconds from the reply to a TIME in a pipeline. Raises StoreAway, StoreError."""
    if isinstance(reply, redis.RedisError):
        raise failure_of(reply)
    return time_ms(reply)


def gate_of(now_ms: int, fields: list[Any], waiting: int, parked: int) -> Gate | None:
    """The gate from its fields as `gates` reads them; None: it is missing. Raises ValueError."""
    epoch, *numbers, granted, layout = fields
    if epoch is None:
        return None
    demand_known("this campaign", layout)
    stock, opens, closes, paused, given = map(int, numbers)
    return Gate(
        epoch.decode(), stock, opens, closes, bool(paused), given, waiting, parked, now_ms,
        int(granted or 0),
    )  # fmt: skip
