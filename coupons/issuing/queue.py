"""The queue of a campaign: admitted claims on their way to MySQL. Delivery is at least once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coupons.claims.limits import MAX_REQUEST_BYTES, MAX_USER_BYTES, PLACES_PER_CAMPAIGN
from coupons.claims.timestamps import LAST_MS
from coupons.claims.values import AdmittedClaim, Reason
from coupons.store import Entry, store
from coupons.store.entry_fields import MAC

_MAX_NTH = 65_535
PAGE = 2_000  # entries


@dataclass(frozen=True, slots=True)
class Batch:
    """Claims by entry id, and the ids of entries that are not claims. `doubtful`: entries that are
    claims, but may not be ours (`queue_proof`).

    `epoch` is the gate's at the time of reading: the writer stores the claims only while MySQL has
    the same epoch. `given`: the number of places given by then. `rows`: see `read_ahead`.
    """

    claims: dict[str, AdmittedClaim] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    doubtful: dict[str, Reason] = field(default_factory=dict)
    epoch: str = ""
    given: int = 0
    rows: Mapping[AdmittedClaim, tuple[Any, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.claims or self.unreadable or self.doubtful)


def read_batch(slug: str, *, consumer: str, count: int) -> Batch:
    """Take up to `count` entries that no consumer has read yet."""
    taken = store().queue.read_new(slug, consumer=consumer, count=count)
    return _parse_batch(taken.entries, taken.epoch, taken.given)


def take_over_batch(slug: str, *, consumer: str, count: int, idle_ms: int) -> Batch:
    """Take up to `count` entries that a consumer read but has not settled or parked for
    `idle_ms`."""
    taken = store().queue.take_over(slug, consumer=consumer, count=count, idle_ms=idle_ms)
    return _parse_batch(taken.entries, taken.epoch, taken.given)


def settle_claims(slug: str, ids: list[str]) -> int | None:
    """Take claims off the queue; only after their rows are committed. Returns Redis' time then, in
    ms; None if `ids` is empty."""
    return store().queue.settle_entries(slug, ids) if ids else None


def park_claim(slug: str, entry_id: str, reason: Reason) -> bool:
    """Park an entry. False: it had left the queue already."""
    return store().queue.park_entry(slug, entry_id, reason)


def waiting_batches(slug: str) -> Iterator[Batch]:
    """Claims that wait to be stored, in pages, oldest first. Read only."""
    return _pages(slug, store().queue.waiting_entries)


def parked_batches(slug: str) -> Iterator[Batch]:
    """Parked claims, in pages, oldest first. Read only."""
    return _pages(slug, store().queue.parked_entries)


def _pages(slug: str, read_page: Callable[..., list[Entry]]) -> Iterator[Batch]:
    entries = read_page(slug, count=PAGE)
    while entries:
        yield _parse_batch(entries)
        entries = read_page(slug, after=entries[-1].id, count=PAGE)


def _parse_batch(entries: list[Entry], epoch: str = "", given: int = 0) -> Batch:
    batch = Batch(epoch=epoch, given=given)
    for entry in entries:
        claim = claim_of(entry)
        if claim is None:
            batch.unreadable.append(entry.id)
        else:
            batch.claims[entry.id] = claim
    return batch


def claim_of(entry: Entry) -> AdmittedClaim | None:
    """The claim in an entry; None if the entry is not as admission writes it."""
    fields = entry.fields
    try:
        claim = AdmittedClaim(
            fields[b"u"].decode(), int(fields[b"n"]), int(fields[b"p"]), int(fields[b"t"]),
            fields.get(b"r", b"")[:MAX_REQUEST_BYTES].decode(), fields.get(MAC, b""),
        )  # fmt: skip
    except (KeyError, ValueError):
        return None
    return claim if is_valid(claim) else None


def is_valid(claim: AdmittedClaim) -> bool:
    """Whether all values are within the bounds that admission keeps."""
    return (
        0 < len(claim.user.encode()) <= MAX_USER_BYTES
        and 0 < claim.nth <= _MAX_NTH
        and 0 < claim.place < PLACES_PER_CAMPAIGN
        and 0 < claim.admitted_ms <= LAST_MS
    )
