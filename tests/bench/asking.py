"""Asking `admit.lua` without the product's client: whole blocks of claims in one pipeline."""

from collections.abc import Iterable, Sequence

import redis
from django.conf import settings

from coupons import keys
from coupons.facts import Facts
from coupons.store import ADMIT, BELL_MS


def command(campaign: Facts, user: str) -> tuple[str | bytes | int, ...]:
    """One claim as `Store.admit` sends it."""
    names, field = keys.of(campaign.slug), keys.field(user, 1, campaign.per_user)
    return (
        "EVALSHA", ADMIT.sha, 4,
        names.gate, names.bucket(field, campaign.buckets), names.queue, names.bell,
        field, user.encode(), 1, BELL_MS, 0,
    )  # fmt: skip


def fill(campaign: Facts, users: Iterable[str]) -> None:
    """Admit them all, and let them wait in the queue."""
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pipeline(False) as pipe:
        client.script_load(ADMIT.text)
        for user in users:
            pipe.execute_command(*command(campaign, user))
        check(pipe.execute())


def check(replies: Sequence[Sequence[object]]) -> None:
    """Raises unless every claim was admitted: nothing else is worth a measurement."""
    others = {reply[0] for reply in replies if reply[0] != b"admitted"}
    if others:
        raise RuntimeError(f"Some claims were not admitted: {others}")
