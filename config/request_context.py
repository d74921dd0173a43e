"""Middleware of every request: sets the request id, returns it in X-Request-Id, and counts the
response by status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from coupons.observability import hot_counters, request_id


def request_context(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        rid = request_id.begin_request(request.META.get("HTTP_X_REQUEST_ID"))
        response = get_response(request)
        request_id.end_request()
        response.headers["X-Request-Id"] = rid
        hot_counters.count_response(response.status_code)
        return response

    return middleware
