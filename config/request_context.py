"""Middleware of every request: sets the request id, returns it in X-Request-Id, and counts the
response by status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from coupons.observability import hot_counters, request_id


def request_context(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def followed(request: HttpRequest) -> HttpResponse:
        known_as = request_id.begin_request(request.META.get("HTTP_X_REQUEST_ID"))
        response = answer(request)
        request_id.end_request()
        response.headers["X-Request-Id"] = known_as
        hot_counters.count_response(response.status_code)
        return response

    return followed
