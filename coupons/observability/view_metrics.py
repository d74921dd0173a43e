"""django-prometheus' metrics of views, for all but the claims endpoint: a claim would pay for
twenty counters, and has metrics of its own (`coupons.observability.metrics`).

The admin has them as middleware (`config.admin_metrics`); every other view is wrapped in its door's
URLconf, so that a claim meets no code that asks whether to count it.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.decorators import decorator_from_middleware
from django_prometheus.middleware import PrometheusAfterMiddleware


class ViewMetrics(PrometheusAfterMiddleware):  # type: ignore[misc] # has no types
    """With bounded labels: a client may invent methods."""

    def label_metric(
        self, metric: Any, request: HttpRequest, response: Any = None, **labels: str
    ) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)

    def process_request(self, request: HttpRequest) -> None:
        with suppress(ValueError):  # a Content-Length that is no number
            super().process_request(request)


count_view = decorator_from_middleware(ViewMetrics)


def count_views(patterns: Iterable[URLPattern], *, but: str) -> list[URLPattern]:
    """The same paths with their views counted, except the one of this name."""
    return [
        pattern
        if pattern.name == but
        else URLPattern(
            pattern.pattern, count_view(pattern.callback), pattern.default_args, pattern.name
        )
        for pattern in patterns
    ]
