"""Traces of claims, told to an OpenTelemetry collector over HTTP. Off unless
OTEL_EXPORTER_OTLP_ENDPOINT is set; then nothing of this is imported but this file.

    POST …/claims                     web: the request
    ├── admission                     web: the decision
    └── queued                        worker: from admission to the committed row, links to
    drain                             worker: the batch, links to its claims

Nothing but the request's id crosses the queue, as always: a trace's id is made from it, on both
sides alike. So whoever reads the id in a row, a log line or an answer knows the trace as well.
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
