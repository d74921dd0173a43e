"""Deterministic ids: a trace's id and its admission's span id are hashes of the request id."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import NamedTuple

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, TraceFlags


class Known(NamedTuple):
    """Ids that web and worker compute alike; `admission` is the span id, 0 for a random one."""

    trace: int
    admission: int = 0


def trace_ids_of(request: str) -> Known:
    """The first 16 bytes of the request id's SHA-256, and the next 8."""
    digest = sha256(request.encode()).digest()
    return Known(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))


def admission_context(known: Known) -> SpanContext:
    """The context of an admission's span in another process, for links and as a parent. It is
    always marked as sampled: the caller asks the sampler."""
    return SpanContext(
        known.trace, known.admission, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


_wanted: ContextVar[Known | None] = ContextVar("wanted", default=None)


@contextmanager
def with_trace_ids(known: Known) -> Iterator[None]:
    """Context manager: spans started inside get these ids."""
    before = _wanted.set(known)
    try:
        yield
    finally:
        _wanted.reset(before)


class Ids(RandomIdGenerator):
    """Random ids, except inside `with_trace_ids`."""

    def generate_trace_id(self) -> int:
        known = _wanted.get()
        return known.trace if known else super().generate_trace_id()

    def generate_span_id(self) -> int:
        known = _wanted.get()
        return (known and known.admission) or super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False  # a client may choose its request's id
