"""The metrics page: the sum of this host's processes, and which addresses may read it."""

from functools import lru_cache
from ipaddress import ip_address

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from config.metrics import multiprocess
from coupons.observability import hot_counters

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_page(*live: Collector) -> bytes:
    """The page in Prometheus' text format: what all processes counted, and the values that the
    collectors `live` read now."""
    hot_counters.flush_counters()
    registry = CollectorRegistry()
    if multiprocess.FOLDER:
        for folder in (multiprocess.FOLDER, *settings.METRICS_FOLDERS):
            multiprocess.remove_dead_gauges(folder)
        registry.register(multiprocess.AllFolders(settings.METRICS_FOLDERS))
    else:
        registry.register(REGISTRY)
    for collector in live:
        registry.register(collector)
    return generate_latest(registry)


@lru_cache(maxsize=1000)  # addresses
def may_read(peer: str) -> bool:
    """Whether this IP address is in METRICS_NETWORKS."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)
