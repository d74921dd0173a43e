"""Grants: places for named users, many in one round trip."""

from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

import redis

from coupons.claims import holder_filter
from coupons.claims.hot_settings import settings
from coupons.errors import OutcomeUnknown, ServerChanged
from coupons.store import claimant_field, keys
from coupons.store.client import Script, StoreClient, SubjectCalls, packed_command
from coupons.store.connection import PipelinedConnection
from coupons.store.entry_fields import mac_field
from coupons.store.replies import failure_of, parsing_reply
from coupons.store.server_identity import NotVerified, require_verified_server
from coupons.store.wakeups import WAKEUP_TTL_MS

GRANT = Script("grant")


class Grantee(NamedTuple):
    """A user to get their `nth` place. `request`: an id that the claim keeps. `mac`: of the entry,
    if it has one."""

    user: str
    nth: int
    request: str
    mac: bytes = b""


class Given(NamedTuple):
    """The reply of `grant.lua`; its header names the fields."""

    outcome: str
    place: int
    at_ms: int
    wake_drain: bool


class GrantCalls(SubjectCalls):
    """As admissions, sent only to a server whose identity was verified: a promoted replica might
    give a place twice."""

    def __init__(self, shared: StoreClient) -> None:
        super().__init__(shared)
        self._connection = PipelinedConnection(
            shared.new_pool(redis_connect_func=require_verified_server)
        )
        self._one_at_a_time = Lock()

    def grant(
        self, slug: str, grantees: Sequence[Grantee], *, per_user: int, filter_blocks: int
    ) -> list[Given]:
        """Give each grantee a place, in their order, in one pipeline. If the connection fails, any
        number of the first ones may have been given theirs: asking again gets them the same.

        Raises StoreAway, StoreError, ServerChanged (nothing was sent), OutcomeUnknown (fewer than
        REDIS_WAIT_REPLICAS replicas confirmed).
        """
        names = keys.campaign_keys(slug)
        script_keys = (names.gate, names.claimants, names.queue, names.bell, names.filter)
        write_again = int(settings.REDIS_WAIT_REPLICAS > 0)
        commands: list[bytes] = []
        for user, nth, request, mac in grantees:
            field = claimant_field.encode_field(user, nth, per_user)
            bits = holder_filter.bit_positions(field, filter_blocks)
            arguments = (
                field, user.encode(), nth, WAKEUP_TTL_MS, write_again, *bits, request,
                *mac_field(mac),
            )  # fmt: skip
            packed = GRANT.packed if commands else GRANT.packed_text  # the first brings the script
            commands.append(packed(script_keys, *arguments))
        try:
            with self.breaker.guard(), self._one_at_a_time:
                replies = self._send(commands)
        except NotVerified as error:
            raise ServerChanged(str(error)) from error
        except redis.RedisError as error:
            raise failure_of(error, slug) from error
        return [_parse_given(slug, reply) for reply in replies]

    def _send(self, commands: list[bytes]) -> list[Any]:
        """Raises redis.RedisError, OutcomeUnknown."""
        replies = self._connection.exchange(commands)
        wanted = settings.REDIS_WAIT_REPLICAS
        if wanted:
            (replicas,) = self._connection.add(
                [packed_command("WAIT", wanted, settings.REDIS_WAIT_MS)]
            )
            if not isinstance(replicas, int) or replicas < wanted:
                raise OutcomeUnknown("Too few replicas confirmed in time.")
        return replies

    def granted_units(self, slug: str) -> int | None:
        """How many units of stock the gate has raised for grants, also while it is closed for
        repair; None: there is no gate, or it never counted any."""
        with self.guard_call():
            count: Any = self.client.hget(keys.campaign_keys(slug).gate, "granted")
        with parsing_reply(f"a count of grants of {slug}"):
            return None if count is None else int(count)


def _parse_given(slug: str, reply: Any) -> Given:
    """Raises StoreAway, StoreError."""
    if isinstance(reply, redis.RedisError):
        raise failure_of(reply, slug) from reply
    with parsing_reply(f"a reply about {slug}"):
        outcome, place, at_ms, wake_drain = reply
        return Given(outcome.decode(), place, at_ms, bool(wake_drain))
