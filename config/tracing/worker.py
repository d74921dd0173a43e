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


def begin_tracing() -> None:
    """From now on this process and its pool record spans of their batches."""
    batch_spans.set_span_listener(trace_batch)
    signals.worker_process_shutdown.connect(_flush)


def _flush(**_: Any) -> None:
    tracer_provider(SERVICE).force_flush()


@contextmanager
def trace_batch(slug: str, claims: Collection[AdmittedClaim]) -> Iterator[Committed]:
    sampler = tracer_provider(SERVICE).sampler
    kept = [known for known in map(_known, claims) if known and _is_kept(sampler, known)]
    places = [claim.place for claim in claims] or [0]
    about: dict[str, str | int] = {
        "coupon.campaign": slug,
        "coupon.claims": len(claims),
        "coupon.first_place": min(places),
        "coupon.last_place": max(places),
    }
    links = [Link(ids.admission_context(known)) for known in kept[:MOST_LINKS]]
    with make_tracer(SERVICE).start_as_current_span(
        "drain", context=Context(), attributes=about, links=links
    ) as span:
        yield lambda stored: _tell(span, slug, stored)


def _known(claim: AdmittedClaim) -> ids.Known | None:
    return ids.trace_ids_of(claim.request) if claim.request else None


def _is_kept(sampler: Sampler, known: ids.Known) -> bool:
    """Whether the trace is sampled; the web process decides alike: by its id, always, or never."""
    decision = sampler.should_sample(None, known.trace, "admission").decision
    return decision is Decision.RECORD_AND_SAMPLE


def _tell(drain: Span, slug: str, stored: Collection[AdmittedClaim]) -> None:
    """Record each claim's wait: from its admission, by Redis' clock, until now, by this host's."""
    now_ns = time.time_ns()
    drain.add_event("committed", {"coupon.stored": len(stored)}, timestamp=now_ns)
    sampler, link = tracer_provider(SERVICE).sampler, Link(drain.get_span_context())
    for claim in stored:
        known = _known(claim)
        if known and _is_kept(sampler, known):
            _queued(claim, slug, known, link, now_ns)


def _queued(claim: AdmittedClaim, slug: str, known: ids.Known, drain: Link, now_ns: int) -> None:
    admission = set_span_in_context(NonRecordingSpan(ids.admission_context(known)), Context())
    about: dict[str, str | int] = {
        "coupon.campaign": slug,
        "coupon.request_id": claim.request,
        "coupon.place": claim.place,
    }
    began_ns = min(claim.admitted_ms * 1_000_000, now_ns)
    span = make_tracer(SERVICE).start_span(
        "queued", context=admission, links=[drain], start_time=began_ns, attributes=about
    )
    span.end(now_ns)
