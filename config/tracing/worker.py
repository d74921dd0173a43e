"""Spans of the worker: one for each batch (`drain`), one for each claim's wait (`queued`)."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from celery import signals
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import Link, NonRecordingSpan, Span, set_span_in_context

from config.tracing import ids
from config.tracing.exporting import make_tracer, tracer_provider
from coupons.claims.values import AdmittedClaim
from coupons.observability import batch_spans
from coupons.observability.batch_spans import Committed

SERVICE = "coupon-worker"
MOST_LINKS = 128  # of a batch to its claims; each claim's own span links back in any case


def begin_tracing(**_: Any) -> None:
    """From now on this process and its pool record spans of their batches."""
    batch_spans.set_span_listener(trace_batch)
    signals.worker_process_shutdown.connect(_flush)


def _flush(**_: Any) -> None:
    tracer_provider(SERVICE).force_flush()


@contextmanager
def trace_batch(slug: str, claims: Collection[AdmittedClaim]) -> Iterator[Committed]:
    sampler = tracer_provider(SERVICE).sampler
    sampled = [
        trace_ids
        for trace_ids in map(_trace_ids, claims)
        if trace_ids and _is_kept(sampler, trace_ids)
    ]
    places = [claim.place for claim in claims] or [0]
    attributes: dict[str, str | int] = {
        "coupon.campaign": slug,
        "coupon.claims": len(claims),
        "coupon.first_place": min(places),
        "coupon.last_place": max(places),
    }
    links = [Link(ids.admission_context(trace_ids)) for trace_ids in sampled[:MOST_LINKS]]
    with make_tracer(SERVICE).start_as_current_span(
        "drain", context=Context(), attributes=attributes, links=links
    ) as span:
        yield lambda stored: _record_waits(span, slug, stored)


def _trace_ids(claim: AdmittedClaim) -> ids.TraceIds | None:
    return ids.trace_ids_of(claim.request) if claim.request else None


def _is_kept(sampler: Sampler, trace_ids: ids.TraceIds) -> bool:
    """Whether the trace is sampled; the web process decides alike: by its id, always, or never."""
    decision = sampler.should_sample(None, trace_ids.trace, "admission").decision
    return decision is Decision.RECORD_AND_SAMPLE


def _record_waits(drain: Span, slug: str, stored: Collection[AdmittedClaim]) -> None:
    """Record each claim's wait: from its admission, by Redis' clock, until now, by this host's."""
    now_ns = time.time_ns()
    drain.add_event("committed", {"coupon.stored": len(stored)}, timestamp=now_ns)
    sampler, link = tracer_provider(SERVICE).sampler, Link(drain.get_span_context())
    for claim in stored:
        trace_ids = _trace_ids(claim)
        if trace_ids and _is_kept(sampler, trace_ids):
            _record_wait(claim, slug, trace_ids, link, now_ns)


def _record_wait(
    claim: AdmittedClaim, slug: str, trace_ids: ids.TraceIds, drain: Link, now_ns: int
) -> None:
    admission = set_span_in_context(NonRecordingSpan(ids.admission_context(trace_ids)), Context())
    attributes: dict[str, str | int] = {
        "coupon.campaign": slug,
        "coupon.request_id": claim.request,
        "coupon.place": claim.place,
    }
    began_ns = min(claim.admitted_ms * 1_000_000, now_ns)
    span = make_tracer(SERVICE).start_span(
        "queued", context=admission, links=[drain], start_time=began_ns, attributes=attributes
    )
    span.end(now_ns)
