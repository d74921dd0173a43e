"""Gauges of jobs, waitlists and returned stock, read from MySQL at scrape time."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import F, Sum
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from coupons.database import availability, clock
from coupons.errors import DatabaseAway
from coupons.monitoring.collectors import DATABASE_PATIENCE_S, database_thread, live_family
from coupons.observability import grant_metrics
from coupons.observability.metrics import Live

MOST_COUNTED = 1_000_000


class Grants(Collector):
    """What waits to be granted, revoked or given on."""

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
            return _gauges()
    finally:
        if not connection.in_atomic_block:
            connection.close()


def _rows(model: str) -> Any:
    """The consumer imports this module before Django is set up: not yet models."""
    return apps.get_model("coupons", model)._default_manager.all()


def _gauges() -> dict[Live, float]:
    unfinished = _rows("Job").filter(state__in=("ready", "running"))
    oldest = unfinished.order_by("created_at").values_list("created_at", flat=True).first()
    waiting = _rows("WaitlistEntry").filter(state="waiting")
    due = _rows("Returned").filter(returned__gt=F("given_on")).exclude(campaign__returns_to="burn")
    units = due.aggregate(units=Sum(F("returned") - F("given_on")))["units"]
    age_s = 0.0 if oldest is None else (clock.read_now() - oldest).total_seconds()
    return {
        grant_metrics.JOBS_WAITING: unfinished.count(),
        grant_metrics.JOBS_OLDEST: max(0.0, age_s),
        grant_metrics.WAITLIST: waiting[:MOST_COUNTED].count(),
        grant_metrics.RETURNED_DUE: units or 0,
    }
