"""Read the next batch and compute its rows while the database stores the current one.

A batch that was read ahead belongs to this consumer as any other: should the process die, another
drain takes it over. Whoever starts reading must take the batch and store it.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

from django.conf import settings

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.issuing import queue, writer
from coupons.issuing.queue import Batch
from coupons.store import store


class ReadAhead:
    """One thread, which lives as long as the drain. It uses Redis only."""

    def __init__(self, campaign: CampaignSnapshot, *, consumer: str) -> None:
        self._campaign, self._consumer = campaign, consumer
        self._to_column = writer.column_encoder()
        self._thread = ThreadPoolExecutor(1, "read-ahead")
        self._next: Future[Batch] | None = None

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Waits for the thread, at most REDIS_TIMEOUT_S a call."""
        self._thread.shutdown()

    def start_reading(self) -> None:
        self._next = self._thread.submit(self._read_and_prepare)

    def take_batch(self) -> Batch | None:
        """The batch that was read meanwhile; None: none was asked for, or none was there. Raises
        what reading raised: StoreAway, StoreError."""
        started, self._next = self._next, None
        return (started.result() or None) if started else None

    def _read_and_prepare(self) -> Batch:
        batch = queue.read_batch(
            self._campaign.slug, consumer=self._consumer, count=settings.DRAIN_BATCH
        )
        if batch:
            store().wakeups.refresh_pending(self._campaign.slug)
        rows = writer.prepare_rows(self._campaign, batch.claims.values(), self._to_column)
        return replace(batch, rows=rows)
