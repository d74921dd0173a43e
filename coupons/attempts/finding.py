"""What is kept of one user's refusals, in Redis and MySQL, and how complete it is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from coupons.attempts.stored_entries import entries_of
from coupons.campaigns.snapshot import campaign_key_of
from coupons.claims.packed_refusals import Refusal, add_refusals, unpack_refusal, user_digest
from coupons.database import availability
from coupons.errors import StoreFailure
from coupons.models import RefusalBucket, RefusalTotal
from coupons.store import store
from coupons.store.refusals import NoteCounts


@dataclass(frozen=True, slots=True)
class FoundRefusals:
    """A user's refusals, the earliest first. `made` and `kept`: how many refusals of the campaign
    were noted, and how many of them are kept. `unknown`: the code of the failure if Redis could not
    be read; then only what MySQL has is here."""

    refusals: tuple[Refusal, ...]
    made: int
    kept: int
    unknown: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether "no refusal is found" means that there was none: all that were noted are kept,
        and nothing could not be read. What a killed process had not written is not counted."""
        return not self.unknown and self.kept >= self.made


def find_refusals(
    *, campaign_id: int, slug: str, key_id: str, user: str, always_stored: bool = True
) -> FoundRefusals:
    """`always_stored` False: MySQL is asked only if entries were moved there, so that the crowd of
    a sale does not reach it. Raises DatabaseAway, MissingKey."""
    bucket, digest = user_digest(campaign_key_of(key_id, slug).refusals, user)
    pairs: list[tuple[bytes, bytes]] = []
    counts, unknown = NoteCounts(), ""
    try:
        pairs += store().refusals.read_entries(slug, [bucket])[0].items()
        counts = store().refusals.read_note_counts([slug])[slug]
    except StoreFailure as error:
        unknown = error.code
    total = None
    if always_stored or counts.moved or not counts.made:
        with availability.require_database():
            row = RefusalBucket.objects.filter(campaign=campaign_id, bucket=bucket).first()
            total = RefusalTotal.objects.filter(campaign=campaign_id).first()
        pairs += entries_of(bytes(row.entries), digest) if row else ()
    made, kept = _all_counts(counts, total)
    return FoundRefusals(_merged(pairs, digest), made, kept, unknown)


def _merged(pairs: Iterable[tuple[bytes, bytes]], digest: bytes) -> tuple[Refusal, ...]:
    """One refusal for each outcome. An entry that both stores have, since it is just being moved,
    counts once: the one with more."""
    by_outcome: dict[tuple[str, int], Refusal] = {}
    for key, value in pairs:
        if not key.startswith(digest):
            continue
        try:
            refusal = unpack_refusal(key, value)
        except ValueError:
            continue
        known = by_outcome.get((refusal.outcome, refusal.first_ms))
        if known is None or known.count < refusal.count:
            by_outcome[refusal.outcome, refusal.first_ms] = refusal
    merged: dict[str, Refusal] = {}
    for refusal in by_outcome.values():
        earlier = merged.get(refusal.outcome)
        merged[refusal.outcome] = add_refusals(earlier, refusal) if earlier else replace(refusal)
    return tuple(sorted(merged.values(), key=lambda refusal: refusal.first_ms))


def _all_counts(counts: NoteCounts, total: RefusalTotal | None) -> tuple[int, int]:
    """(made, kept) of all counts. What Redis counts replaces what MySQL has of the same count."""
    by_beginning = dict(total.counts) if total else {}
    if counts.made:
        by_beginning[str(counts.since_ms)] = {"made": counts.made, "kept": counts.kept}
    made = sum(one["made"] for one in by_beginning.values())
    kept = sum(one["kept"] for one in by_beginning.values())
    return made, kept - (total.full if total else 0)
