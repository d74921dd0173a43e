"""A claim's trace, from the request to the row, as a collector receives it; without a collector
nothing is sent or even imported."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.tracing import exporting, ids, worker
from coupons.identity import user_tokens
from coupons.models import Coupon
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import servers, services

pytestmark = pytest.mark.slow

CLIENTS_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector(ThreadingHTTPServer):
    """A stand-in for OpenTelemetry's collector: an HTTP server that stores the spans it
    receives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.bodies: list[bytes] = []

    def __enter__(self) -> "Collector":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans_named(self, name: str) -> list[Any]:
        exports = [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]
        scopes = [scope for one in exports for of in one.resource_spans for scope in of.scope_spans]
        return [span for scope in scopes for span in scope.spans if span.name == name]


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def running_collector() -> Iterator[Collector]:
    with Collector() as taking:
        yield taking


@pytest.fixture
def traced_environment(
    child_environment: dict[str, str], running_collector: Collector
) -> dict[str, str]:
    return child_environment | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": running_collector.base_url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",  # milliseconds
    }


def post_claim(port: int, name: str, **headers: str) -> tuple[int, str]:
    """The status and the request's id."""
    all_headers = {"Authorization": f"Bearer {user_tokens.mint_token(name)}"} | headers
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as asking:
        asking.request("POST", "/api/v1/campaigns/sale/claims", headers=all_headers)
        answer = asking.getresponse()
        answer.read()
        return answer.status, answer.headers["X-Request-Id"]


def span_attributes(span: Any) -> dict[str, Any]:
    values = {one.key: one.value for one in span.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}


ROUTE = "POST /api/v1/campaigns/<str:slug>/claims"


def test_a_trace_goes_from_the_request_to_the_row(
    open_campaign: CampaignMaker,
    traced_environment: dict[str, str],
    running_collector: Collector,
    tmp_path: Path,
) -> None:
    open_campaign(stock=2)
    theirs = {"traceparent": f"00-{CLIENTS_TRACE}-00f067aa0ba902b7-01"}
    with (
        services.start_web(traced_environment, tmp_path) as port,
        services.start_worker(traced_environment, tmp_path),
    ):
        assert post_claim(port, "mina-7", **{"X-Request-Id": "shop-1"} | theirs) == (202, "shop-1")
        status, new_id = post_claim(port, "jun-7")
        assert status == 202
        assert post_claim(port, "jun-7", **{"X-Request-Id": "again"})[0] == 200
        assert post_claim(port, "sora-7")[0] == 409
        wait_until(
            lambda: (
                len(running_collector.spans_named("queued")) == 2
                and running_collector.spans_named("drain")
            )
        )
        wait_until(lambda: len(running_collector.spans_named(ROUTE)) == 4)
    rows = {row.request_id or "": row.place for row in Coupon.objects.all()}
    assert set(rows) == {"shop-1", new_id}
    for request, place in rows.items():
        _is_whole(running_collector, request, place)
    (first,) = [
        span for span in running_collector.spans_named(ROUTE) if _request_id(span) == "shop-1"
    ]
    assert [link.trace_id.hex() for link in first.links] == [CLIENTS_TRACE]
    outcomes = [
        span_attributes(span)["coupon.outcome"]
        for span in running_collector.spans_named("admission")
    ]
    assert sorted(outcomes) == ["admitted", "admitted", "already_claimed", "sold_out"]
    assert len({span.span_id for span in running_collector.spans_named("admission")}) == 4
    assert not any(
        name in body for body in running_collector.bodies for name in (b"mina-7", b"jun-7")
    )


def test_a_collector_that_is_away_costs_no_claim(
    open_campaign: CampaignMaker,
    traced_environment: dict[str, str],
    running_collector: Collector,
    tmp_path: Path,
) -> None:
    open_campaign(stock=2)
    running_collector.__exit__()
    with (
        services.start_web(traced_environment, tmp_path) as port,
        services.start_worker(traced_environment, tmp_path),
    ):
        assert post_claim(port, "mina")[0] == 202
        wait_until(Coupon.objects.exists)
        began = time.monotonic()
    # At its end it waits for the collector for a bounded time: nothing had to be killed.
    assert time.monotonic() - began < servers.STOP_S


def _request_id(span: Any) -> object:
    return span_attributes(span).get("coupon.request_id")


def _is_whole(collector: Collector, request: str, place: int) -> None:
    """Request → admission → queued are one trace, and the batch that stored the claim links to
    it."""
    trace = sha256(request.encode()).digest()[:16]
    (received,) = [span for span in collector.spans_named(ROUTE) if _request_id(span) == request]
    (decided,) = [span for span in collector.spans_named("admission") if span.trace_id == trace]
    (queued,) = [span for span in collector.spans_named("queued") if _request_id(span) == request]
    assert received.trace_id == queued.trace_id == trace
    assert (decided.parent_span_id, queued.parent_span_id) == (received.span_id, decided.span_id)
    assert span_attributes(queued)["coupon.place"] == place
    assert received.start_time_unix_nano < queued.end_time_unix_nano
    (drain,) = [s for s in collector.spans_named("drain") if s.span_id == queued.links[0].span_id]
    assert decided.span_id in {link.span_id for link in drain.links}
    assert (
        span_attributes(drain)["coupon.first_place"]
        <= place
        <= span_attributes(drain)["coupon.last_place"]
    )


@pytest.mark.parametrize("module", ["config.wsgi", "config.celery"])
def test_without_a_collector_nothing_of_it_is_imported(module: str) -> None:
    code = f"import sys, {module}; from django.conf import settings; print(settings.MIDDLEWARE)"
    code += "\nours = [name for name in sys.modules if name.startswith('config.tracing')]"
    code += "\nassert ours == ['config.tracing'], ours"
    # redis-py itself imports some of OpenTelemetry where it is installed, but nothing that sends.
    code += "\nassert 'opentelemetry.exporter' not in sys.modules"
    environment = dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "tracing" not in done.stdout


def test_a_missing_tracing_package_is_reported_at_the_start() -> None:
    code = "import sys; sys.modules['opentelemetry'] = None; import config.tracing"
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stderr.rstrip().endswith("pip install -r requirements/tracing.txt")


def test_web_and_worker_keep_the_same_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sampled at a tenth or at none: with different samples a claim's trace would be incomplete."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    for cached in (exporting.tracer_provider, exporting.make_tracer):
        cached.cache_clear()
    recorded = {True: 0, False: 0}
    for number in range(200):
        known = ids.trace_ids_of(f"request-{number}")
        with ids.with_trace_ids(known):
            recording = exporting.make_tracer(worker.SERVICE).start_span("x").is_recording()
        recorded[recording] += 1
        assert (
            worker._is_kept(exporting.tracer_provider(worker.SERVICE).sampler, known) is recording
        )
    assert min(recorded.values()) > 60
    exporting.tracer_provider(worker.SERVICE).shutdown()
    for cached in (exporting.tracer_provider, exporting.make_tracer):
        cached.cache_clear()
