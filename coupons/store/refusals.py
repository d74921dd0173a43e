"""Notes of refused claims in Redis: small hashes of packed entries, and their counts.

No claim waits for these calls: a thread of each web process writes the notes, and the worker of
jobs moves them to MySQL.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from coupons.claims.packed_refusals import BUCKET_ENTRIES, BUCKETS, SOLD_OUT
from coupons.store import keys
from coupons.store.client import Script, SubjectCalls
from coupons.store.replies import parsing_reply

NOTE, DROP_NOTES, DROP_COUNTS = map(Script, ("note", "drop_notes", "drop_counts"))
ENTRIES_A_CALL = 100  # half a millisecond of Redis' time
DELETED_AT_ONCE = 500  # keys

Entries = dict[bytes, bytes]


class NoteCounts(NamedTuple):
    """Of one campaign, since `since_ms`: refusals noted, kept, left out by sampling, lost in a full
    buffer, without room in their bucket; entries made. 0 and no `since_ms`: none. `moved`: 1 if
    MySQL has some of the entries."""

    made: int = 0
    kept: int = 0
    left_out: int = 0
    lost: int = 0
    full: int = 0
    entries: int = 0
    since_ms: int = 0
    last_ms: int = 0
    moved: int = 0


class Entry(NamedTuple):
    bucket: int
    key: bytes
    value: bytes


class RefusalCalls(SubjectCalls):
    def note_refusals(
        self, slug: str, entries: Sequence[Entry], *, made: int, left_out: int, lost: int,
        now_ms: int,
    ) -> None:  # fmt: skip
        """Add entries (ENTRIES_A_CALL at most) to those kept, and the counts. Not idempotent: after
        StoreAway the notes may have been added. Raises StoreAway, StoreError."""
        names = keys.campaign_keys(slug)
        buckets = [keys.refusal_bucket(slug, entry.bucket) for entry in entries]
        packed = [part for entry in entries for part in (entry.key, entry.value)]
        with self.guard_call():
            NOTE(
                self.client, (names.gate, names.refusals, *buckets), BUCKET_ENTRIES, SOLD_OUT,
                made, left_out, lost, now_ms, *packed,
            )  # fmt: skip

    def read_entries(self, slug: str, buckets: Sequence[int]) -> list[Entries]:
        """All entries of each of these buckets. Raises StoreAway, StoreError."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for bucket in buckets:
                pipe.hgetall(keys.refusal_bucket(slug, bucket))
            replies: list[Any] = pipe.execute()
        return replies

    def read_note_counts(self, slugs: Sequence[str]) -> dict[str, NoteCounts]:
        """Raises StoreAway, StoreError."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.hgetall(keys.campaign_keys(slug).refusals)
            replies: list[Any] = pipe.execute()
        with parsing_reply("counts of refusals"):
            return dict(zip(slugs, map(_parse_counts, replies), strict=True))

    def mark_moved(self, slug: str) -> None:
        """Let those who look up a user look in MySQL as well. Raises StoreAway, StoreError."""
        with self.guard_call():
            self.client.hset(keys.campaign_keys(slug).refusals, "moved", 1)

    def drop_entries(self, slug: str, bucket: int, entries: Mapping[bytes, bytes]) -> None:
        """Delete those that are as they were read. Raises StoreAway, StoreError."""
        pairs = [part for pair in entries.items() for part in pair]
        with self.guard_call():
            DROP_NOTES(self.client, (keys.refusal_bucket(slug, bucket),), *pairs)

    def drop_note_counts(self, slug: str, counts: NoteCounts) -> None:
        """Delete the counts, unless something was noted since they were read. Raises StoreAway,
        StoreError."""
        name = keys.campaign_keys(slug).refusals
        with self.guard_call():
            DROP_COUNTS(self.client, (name,), counts.made, counts.since_ms)

    def delete_refusals(self, slug: str) -> None:
        """Delete all notes of a campaign: of a rehearsal, or of a draft. Raises StoreAway."""
        names = [keys.refusal_bucket(slug, bucket) for bucket in range(BUCKETS)]
        with self.guard_call():
            for first in range(0, BUCKETS, DELETED_AT_ONCE):
                self.client.delete(*names[first : first + DELETED_AT_ONCE])
            self.client.delete(keys.campaign_keys(slug).refusals)


def _parse_counts(fields: Mapping[bytes, bytes]) -> NoteCounts:
    names = ("made", "kept", "left_out", "lost", "full", "entries", "since", "last", "moved")
    return NoteCounts(*(int(fields.get(name.encode(), 0)) for name in names))
