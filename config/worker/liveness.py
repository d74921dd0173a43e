"""Heartbeats: how long ago a worker last showed that it is alive.

They are written and read by the monotonic clock, which all processes of a host share and nothing
can set. If a wall clock were set back by an hour, a stalled worker would look alive for an hour;
if one were set forward, a healthy worker would be terminated.
"""

import math
import time
from collections.abc import Iterable

from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.metrics import multiprocess
from coupons.observability import metrics


def show_liveness(gauge: Gauge) -> None:
    gauge.set(time.monotonic())


def seconds_since(gauge: Gauge, folder: str = "") -> float:
    """Seconds since the latest heartbeat of any process in this metrics folder (empty: our own);
    infinite if there was none."""
    beat_at = multiprocess.latest_value(gauge, folder)
    return time.monotonic() - beat_at if beat_at else math.inf


class Worker(Collector):
    """Collector of the ages of a worker's heartbeats. Ages, not times: Prometheus has another
    host's clock."""

    def collect(self) -> Iterable[Metric]:
        for live, gauge in (
            (metrics.WORKER_HEARTBEAT_AGE, metrics.WORKER_HEARTBEAT),
            (metrics.WORKER_LAST_TASK_AGE, metrics.WORKER_LAST_TASK),
        ):
            yield GaugeMetricFamily(live.name, live.help, value=seconds_since(gauge))
