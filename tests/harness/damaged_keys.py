"""Ways in which one campaign's keys in Redis can be damaged, for the tests of isolation: each key
deleted, of a wrong type, or of the right type with unreadable contents."""

from collections.abc import Callable
from typing import Any

from coupons import store
from coupons.store import keys
from coupons.store.keys import CampaignKeys

Damage = Callable[[Any, CampaignKeys], object]  # the Redis client, the keys of the campaign

LOST_GROUP: dict[str, Damage] = {
    "group destroyed": lambda redis, names: redis.xgroup_destroy(names.queue, keys.GROUP),
    "empty queue deleted": lambda redis, names: redis.delete(names.queue),
}
WRONG_TYPE: dict[str, Damage] = {
    "gate is a string": lambda redis, names: _string(redis, names.gate),
    "claimants is a string": lambda redis, names: _string(redis, names.claimants),
    "queue is a string": lambda redis, names: _string(redis, names.queue),
    "parked is a string": lambda redis, names: _string(redis, names.parked),
    "bell is a list": lambda redis, names: _list(redis, names.bell),
    "filter is a list": lambda redis, names: _list(redis, names.filter),
    "testimony is a string": lambda redis, names: _string(redis, names.told),
}
DELETED: dict[str, Damage] = {
    "gate deleted": lambda redis, names: redis.delete(names.gate),
    "claimants deleted": lambda redis, names: redis.delete(names.claimants),
    "queue deleted": lambda redis, names: redis.delete(names.queue),
    "filter deleted": lambda redis, names: redis.delete(names.filter),
}
GARBAGE: dict[str, Damage] = {
    "stock is no number": lambda redis, names: redis.hset(names.gate, "stock", "many"),
    "stock is missing": lambda redis, names: redis.hdel(names.gate, "stock"),
    "next is no number": lambda redis, names: redis.hset(names.gate, "next", "soon"),
    "next is missing": lambda redis, names: redis.hdel(names.gate, "next"),
    "epoch is no text": lambda redis, names: redis.hset(names.gate, "epoch", b"\xff\xfe"),
    "epoch has no count": lambda redis, names: redis.hset(names.gate, "epoch", "other.many"),
    "facts are no JSON": lambda redis, names: redis.hset(names.gate, "facts", b"\xff{"),
    "facts are a list": lambda redis, names: redis.hset(names.gate, "facts", b"[1, 2]"),
    "facts of wrong kinds": lambda redis, names: redis.hset(
        names.gate, "facts", redis.hget(names.gate, "facts").replace(b'"id":', b'"id":{},"x":')
    ),
    "facts signed by an unknown key": lambda redis, names: redis.hset(
        names.gate, "facts", redis.hget(names.gate, "facts").replace(b'"key_id":"', b'"key_id":"x')
    ),
    "facts of another campaign": lambda redis, names: redis.hset(
        names.gate, "facts", redis.hget(names.gate, "facts").replace(b'"slug":"', b'"slug":"x')
    ),
    "a claimant is no place": lambda redis, names: redis.hset(names.claimants, "user-0", b"?"),
    "entries are no claims": lambda redis, names: redis.xadd(names.queue, {"u": b"\xff"}),
    "the queue has no more ids": lambda redis, names: redis.xadd(
        names.queue, {"u": "last"}, id=f"{2**64 - 1}-{2**64 - 1}"
    ),
    "the group has read what nobody has": lambda redis, names: _read_by_nobody(redis, names),
    "the bell never expires": lambda redis, names: redis.set(names.bell, 1),
    "the bell expires next year": lambda redis, names: redis.set(names.bell, 1, ex=31_536_000),
    "filter is too short": lambda redis, names: redis.set(names.filter, b""),
    "testimony is no JSON": lambda redis, names: redis.hset(names.told, b"\xff", b"\xff"),
}
ALL: dict[str, Damage] = LOST_GROUP | WRONG_TYPE | DELETED | GARBAGE


def damage_campaign(slug: str, how: str) -> None:
    ALL[how](store.store().client, keys.campaign_keys(slug))


def lose_the_wakeup(slug: str) -> None:
    """The state after a wake-up was sent a moment ago and lost in transit."""
    store.store().client.set(keys.campaign_keys(slug).bell, 1, px=600)


def _string(redis: Any, key: str) -> None:
    redis.delete(key)
    redis.set(key, "?")


def _list(redis: Any, key: str) -> None:
    redis.delete(key)
    redis.rpush(key, "?")


def _read_by_nobody(redis: Any, names: CampaignKeys) -> None:
    """The group created again at the end of the queue, as by an operator: earlier claims are never
    read."""
    redis.xadd(names.queue, {"u": "early", "n": 1, "p": 1, "t": 1_795_000_000_000})
    redis.xgroup_destroy(names.queue, keys.GROUP)
    redis.xgroup_create(names.queue, keys.GROUP, "$")
