"""Gauges of webhooks, read from MySQL at scrape time: the alarm belongs to the sender, since a
receiver that gets nothing can't report that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import OuterRef, Subquery
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from coupons.database import availability, clock
from coupons.errors import DatabaseAway
from coupons.monitoring.collectors import DATABASE_PATIENCE_S, database_thread, live_family
from coupons.observability import webhook_metrics
from coupons.observability.metrics import Live

MOST_COUNTED = 10_000
DISABLED_FOR = timedelta(days=7)  # later it is no news


class Webhooks(Collector):
    """What waits to be delivered, and which endpoints don't take it."""

    def collect(self) -> Iterator[Metric]:
        try:
            values = database_thread().submit(read_gauges).result(timeout=DATABASE_PATIENCE_S)
        except (DatabaseAway, TimeoutError):
            return
        for live, value in values.items():
            yield live_family(live, {(): value})


def read_gauges() -> dict[Live, float]:
    """Raises DatabaseAway."""
    try:
        with availability.require_database():
            now = clock.read_now()
            return _gauges(now)
    finally:
        if not connection.in_atomic_block:
            connection.close()


def _rows(model: str) -> Any:
    """The consumer imports this module before Django is set up: not yet models."""
    return apps.get_model("coupons", model)._default_manager.all()


def _gauges(now: datetime) -> dict[Live, float]:
    due = _rows("WebhookDelivery").filter(state="waiting", due_at__lte=now)
    enabled = _rows("WebhookEndpoint").filter(is_enabled=True)
    oldest = due.filter(endpoint=OuterRef("pk")).order_by("due_at").values("due_at")[:1]
    answering = enabled.filter(failures=0).annotate(since=Subquery(oldest))
    disabled = (
        _rows("WebhookEndpoint")
        .filter(is_enabled=False, disabled_at__gt=now - DISABLED_FOR)
        .exclude(disabled_reason="asked")
    )
    unrouted = _rows("OutboxMessage").filter(is_routed=False).order_by("id")
    return {
        webhook_metrics.WAITING: due.filter(endpoint__in=enabled)[:MOST_COUNTED].count(),
        webhook_metrics.OLDEST: _age(
            min((row.since for row in answering if row.since), default=None), now
        ),
        webhook_metrics.UNROUTED: _age(unrouted.values_list("at", flat=True).first(), now),
        webhook_metrics.FAILING: enabled.filter(failures__gt=0).count(),
        webhook_metrics.DISABLED: disabled.count(),
    }


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
