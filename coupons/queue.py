"""The queue of a campaign: admitted claims on their way to MySQL. At-least-once by construction."""

from dataclasses import dataclass, field
from enum import StrEnum

from coupons.claims import AdmittedClaim
from coupons.models import MAX_USER_BYTES, PLACES_PER_CAMPAIGN
from coupons.store import Entry, store

_LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999
_MOST_NTH = 65_535


class Reason(StrEnum):
    """Why a claim was parked."""

    UNREADABLE = "unreadable"
    PLACE_TAKEN = "place_taken"
    USER_HOLDS_ANOTHER = "user_holds_another"
    CODE_TAKEN = "code_taken"
    BEYOND_STOCK = "beyond_stock"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Batch:
    """Claims by their entry's id, and the ids of entries that are no claims."""

    claims: dict[str, AdmittedClaim] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.claims or self.unreadable)


def read(slug: str, *, consumer: str, count: int) -> Batch:
    return _batch(store().read(slug, consumer=consumer, count=count))


def take_over(slug: str, *, consumer: str, count: int, idle_ms: int) -> Batch:
    """What another consumer read and neither settled nor parked for `idle_ms`."""
    return _batch(store().take_over(slug, consumer=consumer, count=count, idle_ms=idle_ms))


def settle(slug: str, ids: list[str]) -> None:
    """Take claims off the queue. Only after their rows are committed."""
    if ids:
        store().settle(slug, ids)


def park(slug: str, entry_id: str, reason: Reason) -> bool:
    return store().park(slug, entry_id, reason)


def _batch(entries: list[Entry]) -> Batch:
    batch = Batch()
    for entry in entries:
        claim = _claim(entry)
        if claim is None:
            batch.unreadable.append(entry.id)
        else:
            batch.claims[entry.id] = claim
    return batch


def _claim(entry: Entry) -> AdmittedClaim | None:
    """The claim as admission queued it; None if some other hand wrote this entry."""
    fields = entry.fields
    try:
        claim = AdmittedClaim(
            fields[b"u"].decode(), int(fields[b"n"]), int(fields[b"p"]), int(fields[b"t"])
        )
    except (KeyError, ValueError):
        return None
    sound = (
        0 < len(fields[b"u"]) <= MAX_USER_BYTES
        and 0 < claim.nth <= _MOST_NTH
        and 0 < claim.place < PLACES_PER_CAMPAIGN
        and 0 < claim.admitted_ms <= _LATEST_MS
    )
    return claim if sound else None
