"""The waitlist of a sold-out campaign: who waits, and those who joined and are not in MySQL yet."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from coupons.store import claimant_field, keys
from coupons.store.client import Script, SubjectCalls
from coupons.store.entry_fields import MAC, mac_field
from coupons.store.replies import parsing_reply

WAITLIST, LEAVE_WAITLIST = Script("waitlist"), Script("leave_waitlist")


class Joined(NamedTuple):
    """The reply of `waitlist.lua`; its header names the fields."""

    outcome: str
    number: int
    at_ms: int
    waiting: int


class Waiter(NamedTuple):
    user: str
    number: int
    at_ms: int


class JoinedBatch(NamedTuple):
    """Those who joined, by entry id; None: the entry is not ours. `epoch`: the gate's just before
    they were read; "" if it has none. `macs`: the MAC of each entry, empty if it has none."""

    epoch: str
    waiters: dict[str, Waiter | None]
    macs: dict[str, bytes]


class WaitlistCalls(SubjectCalls):
    def join(self, slug: str, *, user: str, per_user: int, limit: int, mac: bytes = b"") -> Joined:
        names = keys.campaign_keys(slug)
        script_keys = (names.gate, names.claimants, names.waitlist, names.joined)
        field = claimant_field.encode_field(user, 1, per_user)
        with self.guard_call():
            arguments = (field, user.encode(), limit, *mac_field(mac))
            reply = WAITLIST(self.client, script_keys, *arguments)
        with parsing_reply(f"a waitlist of {slug}"):
            outcome, number, at_ms, waiting = reply
            return Joined(outcome.decode(), number, at_ms, waiting)

    def number_of(self, slug: str, user: str) -> int | None:
        """The user's number; None: this Redis does not know that the user waits."""
        with self.guard_call():
            packed: Any = self.client.hget(keys.campaign_keys(slug).waitlist, b"u" + user.encode())
        return None if packed is None else int.from_bytes(packed[:4])

    def read_joined(self, slug: str, *, count: int) -> JoinedBatch:
        """The first of those who joined. They stay until `delete_joined`."""
        names = keys.campaign_keys(slug)
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.hget(names.gate, "epoch")
            pipe.xrange(names.joined, count=count)
            epoch, entries = pipe.execute()
        waiters = {entry_id.decode(): _waiter(fields) for entry_id, fields in entries}
        macs = {entry_id.decode(): fields.get(MAC, b"") for entry_id, fields in entries}
        return JoinedBatch((epoch or b"").decode(), waiters, macs)

    def delete_joined(self, slug: str, ids: Sequence[str]) -> None:
        """Only after their rows are committed."""
        with self.guard_call():
            self.client.xdel(keys.campaign_keys(slug).joined, *ids)

    def remove_waiters(self, slug: str, waiters: Sequence[tuple[str, int]]) -> None:
        """Take users off the list by (user, number)."""
        arguments = [part for user, number in waiters for part in (user.encode(), number)]
        if arguments:
            with self.guard_call():
                LEAVE_WAITLIST(self.client, (keys.campaign_keys(slug).waitlist,), *arguments)

    def restore_waiters(self, slug: str, waiters: Sequence[Waiter]) -> None:
        """Write waiters of MySQL; one who is known keeps the number that Redis has."""
        key = keys.campaign_keys(slug).waitlist
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for user, number, at_ms in waiters:
                value = number.to_bytes(4) + at_ms.to_bytes(6)
                pipe.hsetnx(key, b"u" + user.encode(), value)
            pipe.execute()

    def finish_restoring(self, slug: str, *, epoch: str, last: int) -> None:
        """Numbers go on above `last`; the list is complete under this epoch."""
        key = keys.campaign_keys(slug).waitlist
        with self.guard_call():
            known: Any = self.client.hget(key, "last")
            self.client.hset(key, mapping={"last": max(last, int(known or 0)), "epoch": epoch})


def _waiter(fields: dict[bytes, bytes]) -> Waiter | None:
    try:
        return Waiter(fields[b"u"].decode(), int(fields[b"n"]), int(fields[b"t"]))
    except (KeyError, ValueError):
        return None
