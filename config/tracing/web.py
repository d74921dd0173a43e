"""Spans of requests and of the admission decisions within them."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from opentelemetry import propagate
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, get_current_span, use_span

from config.tracing import ids
from config.tracing.exporting import make_tracer
from coupons.admission import strategies
from coupons.admission.strategies import Decide
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Admission, Claim, Outcome
from coupons.observability import request_id

SERVICE = "coupon-web"
_Answer = Callable[[HttpRequest], HttpResponse]


def trace_requests(answer: _Answer) -> _Answer:
    """Middleware, behind `request_context`, which sets the request's id. Also traces decisions."""
    strategies.trace_decisions_with(trace_decision)

    def traced(request: HttpRequest) -> HttpResponse:
        span = _start_span(request)
        with use_span(span, end_on_exit=True):
            response = answer(request)
            if span.is_recording():
                _describe(span, request, response)
        return response

    return traced


def _start_span(request: HttpRequest) -> Span:
    """Start a trace of our own that links to the client's: the client must not decide which traces
    are kept."""
    trace_ids = ids.trace_ids_of(request_id.current_request_id())
    with ids.with_trace_ids(ids.TraceIds(trace_ids.trace)):
        return make_tracer(SERVICE).start_span(
            str(request.method),
            kind=SpanKind.SERVER,
            links=_client_links(request),
            attributes={"coupon.request_id": request_id.current_request_id()},
        )


def _client_links(request: HttpRequest) -> list[Link]:
    if "HTTP_TRACEPARENT" not in request.META:  # building `request.headers` is expensive
        return []
    client_span = get_current_span(propagate.extract(request.headers)).get_span_context()
    return [Link(client_span)] if client_span.is_valid else []


def _describe(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    """Name and attributes. The route, never the path: a path may contain a coupon's code."""
    route = f"/{request.resolver_match.route}" if request.resolver_match else ""
    span.update_name(f"{request.method} {route}".strip())
    span.set_attribute("http.request.method", str(request.method))
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", response.status_code)
    if response.status_code >= 500:
        span.set_status(Status(StatusCode.ERROR))


def trace_decision(decide: Decide) -> Decide:
    """Record a span for each decision. The span is made when the outcome is known: only an
    admission, which happens once for a claim, gets the span id that the worker links to."""

    def traced(campaign: CampaignSnapshot, claim: Claim) -> Admission:
        began_ns = time.time_ns()
        outcome: str = "failed"
        try:
            admission = decide(campaign, claim)
            outcome = admission.outcome
        finally:
            if get_current_span().is_recording():  # the request's span: sampled or not, as both are
                _record_decision(campaign, outcome, began_ns)
        return admission

    return traced


def _record_decision(campaign: CampaignSnapshot, outcome: str, began_ns: int) -> None:
    attributes = {"coupon.campaign": campaign.slug, "coupon.outcome": outcome}
    trace_ids = ids.trace_ids_of(request_id.current_request_id())
    if outcome != Outcome.ADMITTED:
        trace_ids = ids.TraceIds(trace_ids.trace)
    with ids.with_trace_ids(trace_ids):
        span = make_tracer(SERVICE).start_span(
            "admission", start_time=began_ns, attributes=attributes
        )
    span.end()
