"""Django's cache in memory, counted by django-prometheus."""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django_prometheus.cache import metrics

_MISSING = object()


class CountedCache(LocMemCache):
    """django-prometheus' own returns the default in place of a cached 0, "" or False."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        metrics.django_cache_get_total.labels(backend="locmem").inc()
        found = super().get(key, _MISSING, version)
        missed = found is _MISSING
        result = metrics.django_cache_misses_total if missed else metrics.django_cache_hits_total
        result.labels(backend="locmem").inc()
        return default if missed else found
