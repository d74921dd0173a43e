"""Admission calls: decide a claim, look up a claimant's place, load the filter of holders."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import redis

from coupons.claims import holder_filter
from coupons.claims.hot_settings import settings
from coupons.errors import NotInstalled, OutcomeUnknown, ServerChanged
from coupons.observability import request_id
from coupons.store import claimant_field, keys
from coupons.store.client import Script, StoreClient, SubjectCalls, packed_command
from coupons.store.connection import PipelinedConnection
from coupons.store.entry_fields import mac_field
from coupons.store.group_commit import GroupCommit
from coupons.store.replies import failure_of, parsing_reply
from coupons.store.server_identity import NotVerified, require_verified_server
from coupons.store.wakeups import WAKEUP_TTL_MS

ADMIT = Script("admit")
_PLACE_BYTES = 10  # place and moment, as admit.lua packs them


class Decision(NamedTuple):
    """The reply of `admit.lua`; its header names the fields."""

    outcome: str
    place: int
    at_ms: int
    wake_drain: bool
    version: str = ""
    last_place_ms: int | None = None
    opens_ms: int | None = None

    @property
    def nobody_holds(self) -> bool:
        """Whether the version says that there is no claimant."""
        return self.version.endswith(":0")


class AdmissionCalls(SubjectCalls):
    """Claims of many threads share round trips; see `group_commit`."""

    def __init__(self, shared: StoreClient) -> None:
        super().__init__(shared)
        # Only a server whose identity was verified decides; all other calls may go to any server.
        self._connection = PipelinedConnection(
            shared.new_pool(redis_connect_func=require_verified_server)
        )
        self._group_commit = GroupCommit(self._round_trip, timeout_s=shared.timeout_s)

    def _round_trip(self, commands: list[bytes]) -> list[Any]:
        """One pipeline, for the claims of many threads. Raises redis.RedisError, StoreAway."""
        with self.breaker.guard():
            replies = self._connection.exchange(commands)
            return self._await_replicas(replies) if settings.REDIS_WAIT_REPLICAS else replies

    def admit(
        self,
        slug: str,
        *,
        user: str,
        nth: int,
        per_user: int,
        filter_blocks: int,
        mac: bytes = b"",
    ) -> Decision:
        """Ask for a place, in one round trip. `mac` is written into the entry.

        Raises StoreAway, StoreError, OutcomeUnknown, ServerChanged.
        """
        if self.breaker.open and self.breaker.is_resting():
            raise self.breaker.refusal()
        names, field = keys.campaign_keys(slug), claimant_field.encode_field(user, nth, per_user)
        script_keys = (names.gate, names.claimants, names.queue, names.bell, names.filter)
        write_again = int(settings.REDIS_WAIT_REPLICAS > 0)
        bits = holder_filter.bit_positions(field, filter_blocks)
        arguments = (
            field,
            user.encode(),
            nth,
            WAKEUP_TTL_MS,
            write_again,
            *bits,
            request_id.current_request_id(),
            *(mac_field(mac) if mac else ()),
        )
        try:
            return self._send(script_keys, arguments)
        except NotVerified as error:
            raise ServerChanged(str(error)) from error
        except redis.RedisError as error:
            raise failure_of(error, slug) from error

    def _send(self, script_keys: Sequence[str], arguments: Any) -> Decision:
        command = ADMIT.packed(script_keys, *arguments)
        try:
            return _parse_decision(self._group_commit.call(command))
        except redis.exceptions.NoScriptError:  # nothing ran
            whole = ADMIT.packed_text(script_keys, *arguments)
            return _parse_decision(self._group_commit.call(whole))

    def _await_replicas(self, replies: list[Any]) -> list[Any]:
        """Wait until enough replicas have the places of this group. One WAIT for the group, on the
        connection that wrote them: it covers all earlier writes of that connection. A group of
        refusals does not wait. Without enough replicas in time, each reply with a place is
        replaced by OutcomeUnknown."""
        if not any(map(_holds_a_place, replies)):
            return replies
        (replicas,) = self._connection.add([_wait_command()])
        if isinstance(replicas, int) and replicas >= settings.REDIS_WAIT_REPLICAS:
            return replies
        return [_unconfirmed() if _holds_a_place(reply) else reply for reply in replies]

    def place_of(self, slug: str, *, user: str, nth: int, per_user: int) -> tuple[int, int] | None:
        """The claimant's place and moment (ms), or None. Raises NotInstalled, StoreError."""
        names, field = keys.campaign_keys(slug), claimant_field.encode_field(user, nth, per_user)
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.hexists(names.gate, "epoch")
            pipe.hget(names.claimants, field)
            installed, packed = pipe.execute()
        if not installed:
            raise NotInstalled(f"Redis holds no gate for {slug!r}.")
        with parsing_reply(f"a claimant of {slug}"):
            return None if packed is None else _unpack_place(packed)

    def claimant_filter(self, slug: str, *, version: str) -> bytes | None:
        """The Bloom filter of the campaign's holders (`claims.holder_filter`), or None if the set
        of claimants is not that of `version` (of a `Decision`) any more. Raises StoreError."""
        names = keys.campaign_keys(slug)
        with self.guard_call(), self.client.pipeline(transaction=True) as pipe:
            pipe.hmget(names.gate, "epoch", "next")
            pipe.hlen(names.claimants)
            pipe.get(names.filter)
            (epoch, given), claimants, bits = pipe.execute()
        is_same = epoch and version.encode() == b"%b:%b:%d" % (epoch, given, claimants)
        return bits if is_same else None


def _unpack_place(packed: bytes) -> tuple[int, int]:
    if len(packed) != _PLACE_BYTES:
        raise ValueError(packed)
    return int.from_bytes(packed[:4]), int.from_bytes(packed[4:])


def _holds_a_place(reply: Any) -> bool:
    return isinstance(reply, list) and reply[1] > 0


def _wait_command() -> bytes:
    return packed_command("WAIT", settings.REDIS_WAIT_REPLICAS, settings.REDIS_WAIT_MS)


def _unconfirmed() -> OutcomeUnknown:
    wanted = settings.REDIS_WAIT_REPLICAS
    return OutcomeUnknown(
        "Fewer than 1 replica confirmed in time."
        if wanted == 1
        else f"Fewer than {wanted} replicas confirmed in time."
    )


def _parse_decision(reply: Any) -> Decision:
    outcome, place, at_ms, wake_drain, *rest = reply
    if not rest:
        return Decision(outcome.decode(), place, at_ms, bool(wake_drain))
    version, *moments = rest
    moment_ms = int(moments[0]) if moments and moments[0] else None
    last_ms, opens_ms = (None, moment_ms) if outcome == b"not_open" else (moment_ms, None)
    return Decision(
        outcome.decode(), place, at_ms, bool(wake_drain), version.decode(), last_ms, opens_ms
    )
