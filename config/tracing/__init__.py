"""Traces of claims, exported to an OpenTelemetry collector over HTTP. Off unless
OTEL_EXPORTER_OTLP_ENDPOINT is set; while it is off, only this file of the package is imported.

    POST …/claims                     web: the request
    ├── admission                     web: the decision
    └── queued                        worker: from admission to the committed row, links to
    drain                             worker: the batch, links to its claims

The queue carries no trace context, only the request id: web and worker both derive the trace id
from it. So the request id in a row, a log line or a response leads to the trace.
"""

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

from config import env

ON = bool(env.text("OTEL_EXPORTER_OTLP_ENDPOINT", default=""))

if ON and find_spec("opentelemetry") is None:
    raise ImproperlyConfigured(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but what sends traces is not installed:"
        " pip install -r requirements/tracing.txt"
    )
