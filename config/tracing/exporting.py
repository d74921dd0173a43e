"""Export of spans: one tracer provider for each process, made when the first span begins.

Not earlier: it has a thread, and a worker's main process forks. OpenTelemetry reads its other
OTEL_ variables itself (sampler, headers, sizes of batches).
"""

from functools import cache

from django.conf import settings
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from config.tracing.ids import Ids

_PATIENCE_S = 2  # timeout: an unreachable collector must not keep a process from exiting


@cache
def tracer_provider(service: str) -> TracerProvider:
    resource = {"service.name": service, "service.version": settings.RELEASE}
    provider = TracerProvider(resource=Resource.create(resource), id_generator=Ids())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_PATIENCE_S)))
    return provider


@cache
def make_tracer(service: str) -> Tracer:
    return tracer_provider(service).get_tracer("coupons")
