"""Middleware of every request: sets the request id, returns it in X-Request-Id, and counts the
response by status."""

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter

from coupons.api.plain_response import set_plain_header
from coupons.observability import metrics, request_id


def request_context(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        rid = request_id.begin_request(request.META.get("HTTP_X_REQUEST_ID"))
        response = get_response(request)
        request_id.end_request()
        set_plain_header(response, "X-Request-Id", rid)
        _counter(response.status_code).inc()
        return response

    return middleware


@cache
def _counter(status: int) -> Counter:
    """Finding the labels anew costs a claim as much as counting."""
    return metrics.RESPONSES.labels(str(status))
