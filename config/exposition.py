"""The page that Prometheus reads: all processes of this host added up, and who may read it."""

from functools import lru_cache
from ipaddress import ip_address

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config import multiprocess
from coupons import counting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def page(*live: Collector) -> bytes:
    """What the processes counted, and what `live` collectors say at this moment."""
    counting.write()
    whole = CollectorRegistry()
    if multiprocess.FOLDER:
        multiprocess.forget_the_dead()
        MultiProcessCollector(whole, multiprocess.FOLDER)  # type: ignore[no-untyped-call]
    else:
        whole.register(REGISTRY)
    for collector in live:
        whole.register(collector)
    return generate_latest(whole)


def may_read(peer: str, *, forwarded: bool) -> bool:
    """Whether this address is one of METRICS_NETWORKS. Never what came through a proxy: then the
    address is the proxy's, and it is the public that asks."""
    return not forwarded and _is_near(peer)


@lru_cache(maxsize=1000)  # addresses
def _is_near(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)
