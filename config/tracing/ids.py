"""A request's id says which trace it belongs to, and which span is its admission."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import NamedTuple

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, TraceFlags


class Known(NamedTuple):
    """Ids that both sides of the queue arrive at; 0: random."""

    trace: int
    admission: int = 0


def trace_ids_of(request: str) -> Known:
    """The first 16 bytes of the id's SHA-256, and the next 8."""
    digest = sha256(request.encode()).digest()
    return Known(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))


def admission_context(known: Known) -> SpanContext:
    """An admission's span, seen from afar. Whether it is kept is the sampler's to say."""
    return SpanContext(
        known.trace, known.admission, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


_wanted: ContextVar[Known | None] = ContextVar("wanted", default=None)


@contextmanager
def with_trace_ids(known: Known) -> Iterator[None]:
    """Spans begun inside get these ids."""
    before = _wanted.set(known)
    try:
        yield
    finally:
        _wanted.reset(before)


class Ids(RandomIdGenerator):
    """Random, unless somebody wants some."""

    def generate_trace_id(self) -> int:
        known = _wanted.get()
        return known.trace if known else super().generate_trace_id()

    def generate_span_id(self) -> int:
        known = _wanted.get()
        return (known and known.admission) or super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False  # a client may choose its request's id
