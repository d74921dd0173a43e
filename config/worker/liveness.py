"""How long ago a worker last showed that it lives.

It is written down and judged by the monotonic clock, which all processes of a host share and nobody
sets. By a wall clock that is set back by an hour a worker that stalls would look alive for an hour,
and by one that is set ahead a worker that is well would be ended.
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


def seconds_since(gauge: Gauge) -> float:
    """Infinite where no process of this host's folder ever showed it."""
    at = multiprocess.latest_value(gauge)
    return time.monotonic() - at if at else math.inf


class Worker(Collector):
    """The ages of a worker's signs, for Prometheus, whose clock is another host's."""

    def collect(self) -> Iterable[Metric]:
        for live, gauge in (
            (metrics.WORKER_BEAT_AGE, metrics.WORKER_BEAT),
            (metrics.WORKER_SIGN_AGE, metrics.WORKER_SIGN),
        ):
            yield GaugeMetricFamily(live.name, live.help, value=seconds_since(gauge))
