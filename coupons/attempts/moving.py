"""Moving the notes of refusals from Redis to MySQL after a sale, in batches.

A batch: entries of some buckets are read from Redis, added to their rows and committed; only then
are they deleted, unless they have changed since. A crash in between repeats the batch, which counts
nothing twice (`stored_entries`). The counts come last: as long as MySQL has not the same as Redis,
another run goes on. Parallel runs take turns by the lock on the campaign's `RefusalTotal`.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction

from coupons.attempts.stored_entries import add_entries
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.claims import timestamps
from coupons.claims.packed_refusals import BUCKETS
from coupons.database import availability, clock
from coupons.models import Campaign, RefusalBucket, RefusalTotal
from coupons.observability.metrics import Work
from coupons.store import store
from coupons.store.refusals import Entries, NoteCounts

KEPT = timedelta(days=180)  # in MySQL, after the campaign's end
IN_REDIS = timedelta(days=30)  # after its end no campaign has notes in Redis any more
QUIET_MS = 10 * 60_000  # after so long without a refusal the sale is over
CLOSED_MS = 60_000  # after a campaign's end
AGAIN_MS = 60 * 60_000  # a sale that goes on, and what came after the first move
BATCH = 64  # buckets: half a megabyte
DELETED_AT_ONCE = 500  # rows

Stopping = Callable[[], bool]


def move_refusals(*, until: Stopping) -> None:
    """Move what is due in all campaigns, and delete what is older than KEPT. Resumable; safe in
    parallel. Raises DatabaseAway, StoreAway."""
    now_ms = store().server.now_ms()
    campaigns = _recent_campaigns()
    counts = store().refusals.read_note_counts([campaign.slug for campaign in campaigns])
    for campaign in campaigns:
        with isolate_campaign(campaign.slug, Work.REFUSALS):
            if not until() and _is_due(campaign, counts[campaign.slug], now_ms):
                move_campaign(campaign, counts[campaign.slug], until=until)
    _delete_old(until)


def _recent_campaigns() -> list[Campaign]:
    with availability.require_database():
        public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
        recent = public.filter(closes_at__gt=clock.read_now() - IN_REDIS)
        return list(recent.select_related("refusals").order_by("pk"))


def _is_due(campaign: Campaign, counts: NoteCounts, now_ms: int) -> bool:
    total = getattr(campaign, "refusals", None)
    if not counts.made or (total and total.counts.get(str(counts.since_ms)) == _as_json(counts)):
        return False
    if total and total.moved_at:
        return now_ms - timestamps.milliseconds_of(total.moved_at) > AGAIN_MS
    ended_ms = timestamps.milliseconds_of(campaign.closes_at)
    is_closed = campaign.state == Campaign.State.CLOSED or now_ms - ended_ms > CLOSED_MS
    is_quiet = now_ms - counts.last_ms > QUIET_MS
    return is_closed or is_quiet or now_ms - counts.since_ms > AGAIN_MS


def move_campaign(campaign: Campaign, counts: NoteCounts, *, until: Stopping) -> bool:
    """Move a campaign's entries, then the counts as they were before. Returns whether all was
    moved."""
    store().refusals.mark_moved(campaign.slug)
    with availability.require_database():
        RefusalTotal.objects.get_or_create(campaign=campaign)
    for first in range(0, BUCKETS, BATCH):
        if until():
            return False
        buckets = range(first, first + BATCH)
        entries = store().refusals.read_entries(campaign.slug, buckets)
        found = {number: one for number, one in zip(buckets, entries, strict=True) if one}
        if found:
            _store_entries(campaign, found)
            for number, one in found.items():
                store().refusals.drop_entries(campaign.slug, number, one)
    _store_counts(campaign, counts)
    return True


def _store_entries(campaign: Campaign, found: dict[int, Entries]) -> None:
    with availability.require_database(), transaction.atomic():
        total = RefusalTotal.objects.select_for_update().get(campaign=campaign)
        rows = RefusalBucket.objects.filter(campaign=campaign, bucket__in=found)
        stored = {row.bucket: bytes(row.entries) for row in rows}
        new = []
        for number, fresh in found.items():
            entries, full = add_entries(stored.get(number, b""), fresh)
            total.full += full
            if number in stored:
                rows.filter(bucket=number).update(entries=entries)
            else:
                new.append(RefusalBucket(campaign=campaign, bucket=number, entries=entries))
        RefusalBucket.objects.bulk_create(new)
        total.save(update_fields=["full"])


def _store_counts(campaign: Campaign, counts: NoteCounts) -> None:
    with availability.require_database(), transaction.atomic():
        total = RefusalTotal.objects.select_for_update().get(campaign=campaign)
        total.counts[str(counts.since_ms)] = _as_json(counts)
        total.moved_at = clock.read_now()
        total.save(update_fields=["counts", "moved_at"])
    ended = timestamps.milliseconds_of(campaign.closes_at) < timestamps.milliseconds_of(
        total.moved_at
    )
    if ended or campaign.state == Campaign.State.CLOSED:
        store().refusals.drop_note_counts(campaign.slug, counts)


def _as_json(counts: NoteCounts) -> dict[str, int]:
    named = counts._asdict()
    return {name: named[name] for name in ("made", "kept", "left_out", "lost", "full")}


def _delete_old(until: Stopping) -> None:
    """Rows of campaigns that ended before KEPT, DELETED_AT_ONCE in a statement."""
    with availability.require_database():
        old = RefusalTotal.objects.filter(campaign__closes_at__lt=clock.read_now() - KEPT)
        for total in old.order_by("pk")[:100]:
            buckets = RefusalBucket.objects.filter(campaign=total.campaign_id)
            while not until():
                numbers = list(buckets.values_list("bucket", flat=True)[:DELETED_AT_ONCE])
                if not numbers:
                    total.delete()
                    break
                buckets.filter(bucket__in=numbers).delete()
