"""Calls `admit.lua` without the product's client: blocks of claims in one pipeline."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from django.conf import settings

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import holder_filter
from coupons.store import WAKEUP_TTL_MS, claimant_field, keys
from coupons.store.admission import ADMIT
from tests.bench.redis_connection import BLOCK, Command, RedisConnection

REQUEST = "0a1b2c3d4e-7f"  # a request id of the length that the site creates


def admit_command(campaign: CampaignSnapshot, user: str) -> Command:
    """One claim as `AdmissionCalls.admit` sends it."""
    names, field = (
        keys.campaign_keys(campaign.slug),
        claimant_field.encode_field(user, 1, campaign.per_user),
    )
    return (
        "EVALSHA", ADMIT.sha, 5,
        names.gate, names.claimants, names.queue, names.bell, names.filter,
        field, user.encode(), 1, WAKEUP_TTL_MS, 0,
        *holder_filter.bit_positions(field, campaign.filter_blocks), REQUEST,
    )  # fmt: skip


@contextmanager
def open_connection() -> Iterator[RedisConnection]:
    connection = RedisConnection(settings.REDIS_URL)
    try:
        connection.send_commands([("SCRIPT", "LOAD", ADMIT.text)])
        yield connection
    finally:
        connection.close()


def fill_queue(campaign: CampaignSnapshot, users: Iterable[str]) -> bool:
    """Admit all users; their claims stay in the queue. Returns whether a wake-up must be sent."""
    with open_connection() as connection:
        wakeups = [admit_block(connection, campaign, block) for block in _blocks(users)]
    return any(wakeups)


def admit_block(
    connection: RedisConnection, campaign: CampaignSnapshot, users: Iterable[str]
) -> bool:
    """Admit one block of users. Raises RuntimeError unless every claim is admitted."""
    replies = connection.send_commands([admit_command(campaign, user) for user in users])
    others = {reply[0] for reply in replies if reply[0] != b"admitted"}
    if others:
        raise RuntimeError(f"Some claims were not admitted: {others}")
    return any(reply[3] for reply in replies)


def _blocks(users: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(users)
    while block := list(islice(rest, BLOCK)):
        yield block
