"""Deterministic ids: a trace's id and its admission's span id are hashes of the request id."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import NamedTuple

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, TraceFlags


class TraceIds(NamedTuple):
    """Ids that web and worker compute alike; `admission` is the span id, 0 for a random one."""

    trace: int
    admission: int = 0


def trace_ids_of(request: str) -> TraceIds:
    """The first 16 bytes of the request id's SHA-256, and the next 8."""
    digest = sha256(request.encode()).digest()
    return TraceIds(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))


def admission_context(trace_ids: TraceIds) -> SpanContext:
    """The context of an admission's span in another process, for links and as a parent. It is
    always marked as sampled: the caller asks the sampler."""
    return SpanContext(
        trace_ids.trace,
        trace_ids.admission,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


_active_ids: ContextVar[TraceIds | None] = ContextVar("active_ids", default=None)


@contextmanager
def with_trace_ids(trace_ids: TraceIds) -> Iterator[None]:
    """Context manager: spans started inside get these ids."""
    reset_token = _active_ids.set(trace_ids)
    try:
        yield
    finally:
        _active_ids.reset(reset_token)


class Ids(RandomIdGenerator):
    """Random ids, except inside `with_trace_ids`."""

    def generate_trace_id(self) -> int:
        trace_ids = _active_ids.get()
        return trace_ids.trace if trace_ids else super().generate_trace_id()

    def generate_span_id(self) -> int:
        trace_ids = _active_ids.get()
        return (trace_ids and trace_ids.admission) or super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False  # a client may choose its request's id
