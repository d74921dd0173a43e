"""Reads the stores: samples during a run, and everything after the queue has drained."""

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import MySQLdb
import redis

from config.development.demo.told_stored import Row
from coupons.claims import coupon_codes
from coupons.store import claimant_field, keys
from tests.crash.checker import Found
from tests.crash.programs import CARRIED, IN_HAND, MESSAGES
from tests.crash.stage import Stage

_SAMPLE_S = 0.2


@dataclass(slots=True)
class Samples:
    """Counts of a campaign's rows during the run; moments without an answer are left out."""

    rows: list[int] = field(default_factory=list)


@contextmanager
def sampling_rows(
    stage: Stage, campaign_id: int, *, every_s: float = _SAMPLE_S
) -> Iterator[Samples]:
    """Count rows during the block: promise 1 (no over-issue) must hold at any time."""
    samples, over = Samples(), Event()

    def sample() -> None:
        while not over.wait(every_s):
            try:
                samples.rows.append(_count_rows(stage, campaign_id))
            except MySQLdb.Error:
                continue

    thread = Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def count_waiting(stage: Stage, slug: str) -> int:
    """Claims that wait to be stored; 1 if the store does not answer."""
    try:
        with stage.store() as client:
            return int(client.xlen(keys.campaign_keys(slug).queue)) + _count_carried(stage)
    except redis.RedisError:
        return 1


def _count_carried(stage: Stage) -> int:
    """Claims in messages of the build `carried_by_the_message`. A broker that is away comes back
    empty."""
    named = CARRIED.encode()
    try:
        with stage.broker() as client:
            queued: Any = client.lrange(MESSAGES, 0, -1)
            in_hand: Any = client.hvals(IN_HAND)
    except redis.RedisError:
        return 0
    return sum(named in message for message in [*queued, *in_hand])


def await_settled(stage: Stage, slug: str, *, patience_s: float) -> int:
    """Wait until no claim waits. Returns the number that still waits at the timeout."""
    deadline = time.monotonic() + patience_s
    while (left := count_waiting(stage, slug)) and time.monotonic() < deadline:
        time.sleep(0.03)
    return left


def read_findings(
    stage: Stage, slug: str, campaign_id: int, *, stock: int, sampled: list[int]
) -> Found:
    names = keys.campaign_keys(slug)
    with stage.store() as client:
        given = int(client.hget(names.gate, "next") or 0)
        parked = int(client.xlen(names.parked))
        claimants = _read_claimants(client, names.claimants)
        queued = _queued_users(client, names.queue, names.parked)
    rows = [Row(user.decode(), place, coupon_codes.grouped_code(code.decode()))
            for user, place, code in _read_rows(stage, campaign_id)]  # fmt: skip
    left = count_waiting(stage, slug)
    return Found(stock, rows, given, claimants, left, parked, sampled, queued)


def _queued_users(client: redis.Redis, *streams: str) -> frozenset[str]:
    """The users of the claims in these streams."""
    found: list[Any] = [client.xrange(stream) for stream in streams]
    return frozenset(fields[b"u"].decode() for entries in found for _, fields in entries)


def _read_claimants(client: redis.Redis, key: str) -> dict[str, int]:
    """Places by user, as `admit.lua` packs them: four bytes of place, six of time."""
    raw_claimants: dict[bytes, bytes] = client.hgetall(key)  # type: ignore[assignment]
    return {
        claimant_field.unpack_user(user).decode(): struct.unpack(">I", raw[:4])[0]
        for user, raw in raw_claimants.items()
    }


def _count_rows(stage: Stage, campaign_id: int) -> int:
    with database_session(stage) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT COUNT(*) FROM coupons_coupon WHERE campaign_id = %s", (campaign_id,))
        return int(cursor.fetchone()[0])


def _read_rows(stage: Stage, campaign_id: int) -> list[tuple[bytes, int, bytes]]:
    with database_session(stage) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT user, place, code FROM coupons_coupon WHERE campaign_id = %s",
                       (campaign_id,))  # fmt: skip
        return list(cursor.fetchall())


@contextmanager
def database_session(stage: Stage) -> Iterator[Any]:
    """A session with the database, not through the proxy. Raises MySQLdb.Error."""
    connection = MySQLdb.connect(
        host="127.0.0.1", port=stage.database_port, connect_timeout=2, read_timeout=5,
        init_command="SET time_zone='+00:00'",
        **stage.database_login,
    )  # fmt: skip
    try:
        connection.autocommit(True)
        yield connection
    finally:
        connection.close()
