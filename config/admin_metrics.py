"""django-prometheus' metrics of the admin, as middleware; other views: `config.urls`."""

from typing import Any

from django.http import HttpRequest
from django_prometheus.middleware import PrometheusBeforeMiddleware

from config.middleware import ADMIN, AdminOnly
from coupons.observability.view_metrics import ViewMetrics


class AdminRequestMetrics(AdminOnly, PrometheusBeforeMiddleware):  # type: ignore[misc]
    """Counts and latencies of whole requests."""


class AdminViewMetrics(AdminOnly, ViewMetrics):
    """Counts and latencies by view. Django calls these parts by themselves, for every view."""

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        if request.path_info.startswith(ADMIN):
            super().process_view(request, *view)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if request.path_info.startswith(ADMIN):
            super().process_exception(request, exception)

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        if request.path_info.startswith(ADMIN):
            return super().process_template_response(request, response)
        return response
