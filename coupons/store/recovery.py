"""Redis calls of a repair: close the gate, write claimants, read claimants, open the gate again.

None is used while a claim is decided. Large data is read and written in pages, so that no call
blocks the server for longer than `REDIS_TIMEOUT_S`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from coupons.claims import holder_filter
from coupons.claims.values import AdmittedClaim
from coupons.store import keys
from coupons.store.campaigns import LIST, Definition
from coupons.store.client import Script, SubjectCalls
from coupons.store.entry_fields import mac_field
from coupons.store.layouts import CREATED, demand_known
from coupons.store.replies import ByCampaign, reply_each

CLOSE, OPEN, REQUEUE, HONOUR = map(Script, ("close", "open", "requeue", "honour"))
PAGE = 5_000  # claimants per HSCAN call, approximately


class Claimant(NamedTuple):
    """A holder of a place: one field of the hash of claimants, with its value."""

    field: bytes
    place: int
    admitted_ms: int


class Marks(NamedTuple):
    """The gate's epochs and the server it was verified for. "" where the gate has no such field."""

    epoch: str  # the gate is open under this epoch
    before: str  # the epoch it was open under until it was closed for repair
    repair: str  # the epoch the running repair will open it under
    server: str  # replication id of the server that it was last opened on
    doubt: str = ""  # "1": this Redis' data is not trusted until a whole rebuild has finished
    granted: str = ""  # units of stock raised by grants

    @property
    def granted_units(self) -> int:
        """0 if it is missing, or not ours."""
        return int(self.granted) if self.granted.isdigit() else 0

    @property
    def opened(self) -> tuple[str, str]:
        return self.epoch, self.server

    @property
    def epochs(self) -> list[str]:
        return [epoch for epoch in self[:3] if epoch]


class Closed(NamedTuple):
    """A gate closed for repair. `given` (places) is None if Redis lost it; `whole`: `given` is
    there, the data is not in doubt, and neither queue nor filter is missing."""

    given: int | None
    whole: bool


class RecoveryCalls(SubjectCalls):
    def gate_marks(self, slugs: Sequence[str]) -> ByCampaign[Marks]:
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.hmget(
                    keys.campaign_keys(slug).gate,
                    "epoch",
                    "before",
                    "repair",
                    "server",
                    "doubt",
                    "granted",
                    "layout",
                )
            replies = pipe.execute(raise_on_error=False)
        return reply_each(slugs, replies, _parse_marks)

    def close_gates(
        self, campaigns: Sequence[tuple[str, str, int]], *, in_doubt: bool = False
    ) -> ByCampaign[Closed]:
        """Close the gate of each (slug, epoch to come, filter bits) until that epoch opens it. A
        repair begun earlier can't open it any more. `in_doubt`: what this Redis holds of them is
        not to be trusted until a full rebuild has finished."""
        calls = [
            (_script_keys(slug), epoch, bits, int(in_doubt)) for slug, epoch, bits in campaigns
        ]
        with self.guard_call():
            replies = CLOSE.each(self.client, calls)
        return reply_each([slug for slug, _, _ in campaigns], replies, _parse_closed)

    def open_gates(
        self, campaigns: Sequence[tuple[str, Definition, int, int]], *, server: str
    ) -> ByCampaign[tuple[bool, int, int]]:
        """Open the gate of each (slug, definition, places given, ms when the last place of the
        stock was given; 0: not known) under `definition.epoch`. Returns
        (opened, places given, claims waiting); not opened if a later repair closed it again or
        Redis lost its data since."""
        calls = [
            (_script_keys(slug), *_open_arguments(definition, given, server), last_ms)
            for slug, definition, given, last_ms in campaigns
        ]
        slugs = [slug for slug, *_ in campaigns]
        with self.guard_call():
            if campaigns:
                LIST(self.client, (keys.INSTALLED,), *slugs)
            replies = OPEN.each(self.client, calls)
        return reply_each(slugs, replies, _parse_opened)

    def write_claimants(
        self, slug: str, claimants: Sequence[Claimant], *, filter_blocks: int, replace: bool
    ) -> None:
        """Write claimants, after their filter bits: a filter that is loaded meanwhile, or a failure
        between the two, must not leave a claimant whose bits are missing (processes that remember
        'sold out' would refuse them). One who is known already is overwritten only with
        `replace`."""
        if not claimants:
            return
        names = keys.campaign_keys(slug)
        bits = [
            bit
            for claimant in claimants
            for bit in holder_filter.bit_positions(claimant.field, filter_blocks)
        ]
        ops = [part for bit in bits for part in ("SET", "u1", bit, 1)]
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            self.client.execute_command("BITFIELD", names.filter, *ops)
            _add_claimants(pipe, names.claimants, claimants, replace)
            pipe.execute()

    def holder_bits(self, slug: str) -> bytes:
        """The filter of the campaign's holders (`claims.holder_filter`); empty if there is none."""
        with self.guard_call():
            return cast(bytes, self.client.get(keys.campaign_keys(slug).filter) or b"")

    def scan_claimants(self, slug: str) -> Iterator[list[Claimant]]:
        """All claimants, in pages (HSCAN). Claimants admitted during the scan may be missing, and
        a claimant may come twice."""
        cursor = None
        while cursor != 0:
            with self.guard_call():
                reply: Any = self.client.hscan(
                    keys.campaign_keys(slug).claimants, cursor or 0, count=PAGE
                )
            cursor, page = reply
            yield [_claimant(field, packed) for field, packed in page.items()]

    def places_of(self, slug: str, fields: Sequence[bytes]) -> list[tuple[int, int] | None]:
        """(place, moment in ms) of each claimant, in order; None: not known."""
        if not fields:
            return []
        with self.guard_call():
            values: Any = self.client.hmget(keys.campaign_keys(slug).claimants, list(fields))
        return [None if packed is None else _claimant(b"", packed)[1:] for packed in values]

    def requeue_claim(self, slug: str, claimant: Claimant, claim: AdmittedClaim) -> bool:
        """Put the claim back on the queue, if Redis knows exactly this admission (same place and
        moment). Returns whether it did."""
        names = keys.campaign_keys(slug)
        script_keys = (names.gate, names.claimants, names.queue)
        arguments = (
            claimant.field, claim.user.encode(), claim.nth, claimant.place, claimant.admitted_ms,
            claim.request, *mac_field(claim.mac),
        )  # fmt: skip
        with self.guard_call():
            return bool(REQUEUE(self.client, script_keys, *arguments))

    def honour_place(self, slug: str, claimant: Claimant, *, filter_blocks: int, given: int) -> str:
        """Make a lost claimant known again. Returns the outcome of `honour.lua`; see its header."""
        names = keys.campaign_keys(slug)
        script_keys = (names.gate, names.claimants, names.filter)
        bits = holder_filter.bit_positions(claimant.field, filter_blocks)
        arguments = (claimant.field, claimant.place, claimant.admitted_ms, given, *bits)
        with self.guard_call():
            return cast(bytes, HONOUR(self.client, script_keys, *arguments)).decode()


def _script_keys(slug: str) -> tuple[str, str, str]:
    names = keys.campaign_keys(slug)
    return names.gate, names.queue, names.filter


def _parse_marks(fields: list[bytes | None]) -> Marks:
    """Raises WrongLayout: what we don't know is not repaired."""
    *fields, layout = fields
    demand_known("this campaign", layout)
    return Marks(*((field or b"").decode() for field in fields))


def _parse_closed(reply: Any) -> Closed:
    given, whole = reply
    return Closed(None if given < 0 else given, bool(whole))


def _open_arguments(d: Definition, given: int, server: str) -> tuple[Any, ...]:
    return (
        d.epoch, given, d.stock, d.opens_ms, d.closes_ms, int(d.paused), d.longest, d.facts,
        keys.GROUP, d.filter_bits, server, CREATED, d.granted,
    )  # fmt: skip


def _parse_opened(reply: Any) -> tuple[bool, int, int]:
    outcome, given, waiting = reply
    return outcome == b"opened", int(given), int(waiting)


def _add_claimants(pipe: Any, key: str, claimants: Sequence[Claimant], replace: bool) -> None:
    values = {claimant.field: _pack_place(claimant) for claimant in claimants}
    if replace:
        pipe.hset(key, mapping=values)
    else:
        for field, value in values.items():
            pipe.hsetnx(key, field, value)


def _pack_place(claimant: Claimant) -> bytes:
    """Place (4 bytes) and moment in ms (6 bytes), as `admit.lua` writes them."""
    return claimant.place.to_bytes(4) + claimant.admitted_ms.to_bytes(6)


def _claimant(field: bytes, packed: bytes) -> Claimant:
    return Claimant(field, int.from_bytes(packed[:4]), int.from_bytes(packed[4:]))
