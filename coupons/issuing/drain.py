"""Drain: read a batch from the queue, store it in MySQL, and only then take it off the queue.

Any number of drains may run on one campaign, and each may die at any line: a claim leaves the queue
only after its row is committed, and storing is idempotent.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from coupons.campaigns import fault_isolation
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import AdmittedClaim, Reason
from coupons.errors import DatabaseAway, StoreError
from coupons.issuing import queue, queue_proof, writer
from coupons.issuing.queue import Batch
from coupons.issuing.read_ahead import ReadAhead
from coupons.observability import batch_spans, metrics
from coupons.store import store

logger = logging.getLogger(__name__)

_DOUBTS = (Reason.UNSIGNED, Reason.FORGED)


@dataclass(slots=True)
class Drained:
    """What one drain did: numbers of claims. `left`: it stopped while claims may still be waiting.
    `unparked` claims were refused by the database and could not be parked either: they stay in the
    queue."""

    stored: int = 0
    repeated: int = 0
    parked: int = 0
    unparked: int = 0
    left: bool = False


def _never() -> bool:
    return False


def drain(
    slug: str,
    *,
    consumer: str,
    time_s: float | None = None,
    stopping: Callable[[], bool] = _never,
) -> Drained:
    """Store waiting claims until the queue is empty, `time_s` (default DRAIN_TIME_S) is over, or
    the worker is `stopping`; the current batch is always finished.

    Raises StoreAway, StoreError, DatabaseAway (after DRAIN_PATIENCE_S), UnknownCampaign,
    MissingKey, StaleClaims; claims not stored stay in the queue and are taken over later. A claim
    that can neither be stored nor parked does not block others: StoreError is raised at the end.
    """
    drained = Drained()
    _drain(slug, consumer, drained, time_s, stopping)
    if drained.unparked:
        # Without their number, which grows: the log tells a lasting failure by its text.
        raise StoreError(f"Claims of {slug} can be neither stored nor parked.")
    return drained


def _drain(
    slug: str, consumer: str, drained: Drained, time_s: float | None, stopping: Callable[[], bool]
) -> None:
    campaign = queue_proof.trusted_snapshot(slug)
    deadline = time.monotonic() + (settings.DRAIN_TIME_S if time_s is None else time_s)
    with ReadAhead(campaign, consumer=consumer) as ahead:
        taken_over = _take_over(slug, consumer)
        batch = taken_over or _read_next(slug, consumer)
        while batch:
            began = time.monotonic()
            if _is_followed(batch) and began < deadline and not stopping():
                ahead.start_reading()
            _process_batch(campaign, batch, drained)
            following = ahead.take_batch()  # stored even if the time is over: it is read
            if not following and (time.monotonic() >= deadline or stopping()):
                drained.left = True
                return
            if not following:
                _pause_after_small_batch(batch)
            _limit_rate(batch, began=began)
            if not following:  # all that the dead left, but not again what can't be parked
                is_left = bool(taken_over) and not drained.unparked
                taken_over = _take_over(slug, consumer) if is_left else Batch()
            batch = following or taken_over or _read_next(slug, consumer)


def _is_followed(batch: Batch) -> bool:
    """Whether to read ahead: more waits behind a full batch. SQLite's commit is no wait."""
    return len(batch.claims) >= settings.DRAIN_BATCH and connection.vendor == "mysql"


def _take_over(slug: str, consumer: str) -> Batch:
    return queue.take_over_batch(
        slug,
        consumer=consumer,
        count=settings.DRAIN_BATCH,
        idle_ms=settings.DRAIN_TAKE_OVER_MS,
    )


def _pause_after_small_batch(batch: Batch) -> None:
    """After a small batch wait a little, so that the next one is larger: a transaction with its
    fsyncs costs about as much for five claims as for fifty."""
    if len(batch.claims) < settings.DRAIN_BATCH // 2:
        time.sleep(settings.DRAIN_GATHER_S)


def _limit_rate(batch: Batch, *, began: float) -> None:
    """Rate limit of this process, DRAIN_ROWS_PER_S: a small database serves others as well."""
    if settings.DRAIN_ROWS_PER_S:
        due = began + len(batch.claims) / settings.DRAIN_ROWS_PER_S
        time.sleep(max(0.0, due - time.monotonic()))


def _read_next(slug: str, consumer: str) -> Batch:
    """The next batch. If the queue is empty, clear the pending wake-up flag and read once more: a
    claim admitted after that read sends a wake-up itself. Then delete this consumer, unless there
    is more to read."""
    batch = queue.read_batch(slug, consumer=consumer, count=settings.DRAIN_BATCH)
    if batch:
        store().wakeups.refresh_pending(slug)
        return batch
    store().wakeups.clear_pending(slug)
    batch = queue.read_batch(slug, consumer=consumer, count=settings.DRAIN_BATCH)
    if not batch and store().queue.leave_group(slug, consumer=consumer):
        return queue.read_batch(slug, consumer=consumer, count=settings.DRAIN_BATCH)
    return batch


def _process_batch(campaign: CampaignSnapshot, batch: Batch, drained: Drained) -> None:
    began_s = time.monotonic()
    queue_proof.set_aside_doubtful(campaign, batch)
    with batch_spans.batch_span(campaign.slug, batch.claims.values()) as committed:
        verdict = _store_with_retries(campaign, batch)
        committed(verdict.stored)
        settled_ms = _settle_and_park(campaign.slug, batch, verdict, drained)
    _observe_delays(verdict.stored, settled_ms)
    drained.stored += len(verdict.stored)
    drained.repeated += len(verdict.repeated)
    metrics.STORED.labels(metrics.campaign_label(campaign.slug)).inc(len(verdict.stored))
    metrics.DRAIN_BATCH.observe(len(batch.claims))
    metrics.DRAIN_SECONDS.observe(time.monotonic() - began_s)


def _settle_and_park(
    slug: str, batch: Batch, verdict: writer.Verdict, drained: Drained
) -> int | None:
    """Take a batch off the queue: settle stored claims, park refused ones. Returns the time of
    settling (see `queue.settle_claims`)."""
    refused = {entry: verdict.refused.get(claim) for entry, claim in batch.claims.items()}
    settled_ms = queue.settle_claims(
        slug, [entry for entry, reason in refused.items() if reason is None]
    )
    for entry, reason in refused.items():
        if reason is not None:
            _park(slug, entry, reason, drained, request=batch.claims[entry].request)
    for entry in batch.unreadable:
        _park(slug, entry, Reason.UNREADABLE, drained)
    for entry, reason in batch.doubtful.items():
        _park(slug, entry, reason, drained)
    return settled_ms


def _observe_delays(stored: list[AdmittedClaim], settled_ms: int | None) -> None:
    """Observe how long stored claims have waited, by Redis' clock, which admitted them."""
    if settled_ms is not None:
        after_s = (max(0.0, settled_ms - claim.admitted_ms) / 1000 for claim in stored)
        metrics.observe_all(metrics.STORED_AFTER, sorted(after_s))


def _store_with_retries(campaign: CampaignSnapshot, batch: Batch) -> writer.Verdict:
    """Store with retries while the database is away or after a deadlock: storing is idempotent.
    Raises DatabaseAway after DRAIN_PATIENCE_S."""
    deadline = time.monotonic() + settings.DRAIN_PATIENCE_S
    pause_s = 0.02
    while True:
        try:
            return writer.store_batch(
                campaign,
                list(batch.claims.values()),
                epoch=batch.epoch,
                given=_places_to_record(batch),
                rows=batch.rows,
            )
        except DatabaseAway as error:
            if time.monotonic() >= deadline:
                raise
            metrics.DRAIN_WAITS.inc()
            logger.warning("drain of %s waits for the database: %s", campaign.slug, error)
            time.sleep(pause_s * random.uniform(0.5, 1.5))
            pause_s = min(1.0, pause_s * 2)


def _places_to_record(batch: Batch) -> int:
    """The highest place that a user may have been told; 0: not to be recorded. If replicas must
    confirm a place first, a lost place was not told to any user, so a rebuild need not number above
    it."""
    return 0 if settings.REDIS_WAIT_REPLICAS else batch.given


def _park(slug: str, entry: str, reason: Reason, drained: Drained, *, request: str = "?") -> None:
    try:
        parked = queue.park_claim(slug, entry, reason)
    except StoreError as error:
        drained.unparked += 1
        key = ("park", slug, reason, str(error))
        repeats = fault_isolation.lasting_failures.current.log_suffix(key)
        if repeats is not None:
            message = "a claim of %s can't be parked (%s): %s (entry %s)%s"
            logger.error(message, slug, reason, error, entry, repeats)
        return
    if parked:
        drained.parked += 1
        metrics.PARKED.labels(metrics.campaign_label(slug), reason).inc()
        if reason in _DOUBTS:
            queue_proof.log_doubtful(slug, reason, entry)
            return
        message = "a claim of %s was parked: %s (entry %s, request %s)"
        logger.error(message, slug, reason, entry, request or "?")
