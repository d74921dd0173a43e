"""Collectors: gauges read at scrape time, for the live state of the campaigns and of both stores.

Only one process of a host exports them, so nothing is counted twice. Each read has its own timeout
(Redis' timeout, a second for MySQL): a store that hangs costs its gauges, never the whole scrape.
"""

import logging
import platform
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coupons import __version__
from coupons.database import availability
from coupons.errors import DatabaseAway, StoreAway
from coupons.monitoring import clock_skew
from coupons.observability import metrics
from coupons.observability.metrics import Live
from coupons.store import Gate, store

logger = logging.getLogger(__name__)

MOST_SHOWN = 50  # campaigns exported one by one, the most urgent first
MOST_CLOCKS = 200  # processes, those with the largest skew first
NEAR_MS = 3_600_000  # a campaign is exported from so long before it opens until after it closes
DATABASE_PATIENCE_S = 1.0

_database_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gauges")


def database_thread() -> ThreadPoolExecutor:
    """The one thread in which collectors ask the database: one that hangs occupies no other."""
    return _database_thread


class Build(Collector):
    """The release and the versions that run."""

    def collect(self) -> Iterable[Metric]:
        versions = (__version__, settings.RELEASE, platform.python_version(), django.get_version())
        yield live_family(metrics.BUILD, {versions: 1})


class Campaigns(Collector):
    """The live state of the most urgent campaigns, and of Redis. A gauge that fails does not keep
    the others from being exported."""

    def collect(self) -> Iterator[Metric]:
        try:
            families = [*_redis(), *_collect_parts(_canary, _sweep, _clock, _clocks, _campaigns)]
        except StoreAway:
            yield live_family(metrics.REDIS_UP, {(): 0})
        else:
            yield from families
            yield live_family(metrics.REDIS_UP, {(): 1})


class Database(Collector):
    """The number of open connections to the database, and its limit."""

    def collect(self) -> Iterator[Metric]:
        try:
            used, limit = _database_thread.submit(availability.connection_counts).result(
                timeout=DATABASE_PATIENCE_S
            )
        except (DatabaseAway, TimeoutError):
            yield live_family(metrics.DATABASE_UP, {(): 0})
            return
        yield live_family(metrics.DATABASE_UP, {(): 1})
        yield live_family(metrics.DATABASE_USED, {(): used})
        yield live_family(metrics.DATABASE_MAX, {(): limit})


def _redis() -> Iterator[Metric]:
    info: Any = store().server.read_info()
    durable = info.get("aof_enabled") == 1 and info.get("aof_last_write_status") == "ok"
    for live, value in (
        (metrics.REDIS_MEMORY, info["used_memory"]),
        (metrics.REDIS_MEMORY_MAX, info["maxmemory"]),
        (metrics.REDIS_CLIENTS, info["connected_clients"]),
        (metrics.REDIS_CLIENTS_MAX, info.get("maxclients", 0)),
        (metrics.REDIS_EVICTED, info["evicted_keys"]),
        (metrics.REDIS_REPLICAS, info["connected_slaves"]),
        (metrics.REDIS_DURABLE, float(durable)),
        (metrics.REDIS_TIME, store().server.now_ms() / 1000),
    ):
        yield live_family(live, {(): float(value)})


def _collect_parts(*parts: Callable[[], Iterator[Metric]]) -> Iterator[Metric]:
    """The metrics of all parts, without parts that fail. Raises StoreAway."""
    for part in parts:
        try:
            yield from list(part())
        except StoreAway:
            raise
        except Exception:  # a page without one gauge is better than no page
            logger.exception("the collector %s failed", part.__name__)


def _clock() -> Iterator[Metric]:
    yield live_family(metrics.REDIS_CLOCK, {(): -clock_skew.measure_skew().ahead_ms / 1000})


def _clocks() -> Iterator[Metric]:
    reports = sorted(clock_skew.reported_skews(), key=clock_skew.off_of, reverse=True)
    yield live_family(
        metrics.CLOCK_AHEAD,
        {(report.process,): report.ahead_ms / 1000 for report in reports[:MOST_CLOCKS]},
    )


def _canary() -> Iterator[Metric]:
    yield _age(metrics.CANARY_AGE, store().wakeups.canary_age_ms())


def _sweep() -> Iterator[Metric]:
    yield _age(metrics.SWEEP_AGE, store().wakeups.sweep_age_ms())


def _age(live: Live, age_ms: int | None) -> Metric:
    return live_family(live, {(): -1.0 if age_ms is None else age_ms / 1000})


def _campaigns() -> Iterator[Metric]:
    installed = store().campaigns.installed_slugs()
    all_gates = store().campaigns.gates(installed)
    damaged = sorted(all_gates.failed)[:MOST_SHOWN]
    shown = _most_urgent(all_gates)
    gates = {slug: gate for slug, gate in shown.items() if gate}
    yield live_family(metrics.CAMPAIGNS, {(): len(installed)})
    yield live_family(metrics.NOT_EXPORTED, {(): len(installed) - len(shown) - len(damaged)})
    yield live_family(
        metrics.REPAIR, {(slug,): float(gate is None) for slug, gate in shown.items()}
    )
    for live, value in _GATE_GAUGES.items():
        yield live_family(live, {(slug,): float(value(gate)) for slug, gate in gates.items()})
    since = store().queue.waiting_since([slug for slug, gate in gates.items() if gate.waiting])
    ages = {slug: max(0, gates[slug].now_ms - (ms or 0)) / 1000 for slug, ms in since.items()}
    yield live_family(metrics.OLDEST, {(slug,): ages.get(slug, 0.0) for slug in gates})
    yield from _failing([*damaged, *shown], unreadable=all_gates.failed.keys())


def _failing(slugs: Sequence[str], *, unreadable: Collection[str]) -> Iterator[Metric]:
    """Campaigns that workers can't drain, and keys whose type is not what we wrote."""
    failures, wrongly_typed = (
        store().wakeups.drain_failures(slugs),
        store().campaigns.wrongly_typed_keys(slugs),
    )
    failed: dict[tuple[str, ...], float] = {
        (slug,): float(slug in failures.failed or failures[slug] is not None) for slug in slugs
    }
    damaged = {slug: len(wrongly_typed.get(slug, ())) or slug in unreadable for slug in slugs}
    yield live_family(metrics.DRAIN_FAILED, failed)
    yield live_family(metrics.DAMAGED, {(slug,): float(count) for slug, count in damaged.items()})


_GATE_GAUGES: dict[Live, Callable[[Gate], float]] = {
    metrics.WAITING: lambda gate: gate.waiting,
    metrics.PARKED_NOW: lambda gate: gate.parked,
    metrics.STOCK: lambda gate: gate.stock,
    metrics.ADMITTED: lambda gate: gate.admitted,
    metrics.REMAINING: lambda gate: gate.remaining,
    metrics.PAUSED: lambda gate: gate.paused,
    metrics.OPENS: lambda gate: gate.opens_ms / 1000,
    metrics.CLOSES: lambda gate: gate.closes_ms / 1000,
}


def _most_urgent(gates: dict[str, Gate | None]) -> dict[str, Gate | None]:
    """The MOST_SHOWN most urgent campaigns: those with waiting or parked claims or without a gate
    first, then those whose opening is nearest to now."""
    near = {slug: gate for slug, gate in gates.items() if _urgency(gate) is not None}
    ordered = sorted(near, key=lambda slug: _urgency(near[slug]) or 0)
    return {slug: near[slug] for slug in ordered[:MOST_SHOWN]}


def _urgency(gate: Gate | None) -> int | None:
    """Smaller is more urgent; None: nothing waits, and it neither runs nor is near its window."""
    if gate is None or gate.waiting or gate.parked:
        return 0
    if gate.opens_ms - NEAR_MS <= gate.now_ms <= gate.closes_ms + NEAR_MS:
        return abs(gate.now_ms - gate.opens_ms)
    return None


def live_family(live: Live, values: dict[tuple[str, ...], float]) -> Metric:
    kind = CounterMetricFamily if live.name.endswith("_total") else GaugeMetricFamily
    family = kind(live.name, live.help, labels=live.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
