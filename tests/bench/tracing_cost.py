"""The cost of tracing: CPU per admitted claim with OpenTelemetry ÷ without."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import override_settings

from config.tracing import exporting, web
from coupons.admission import strategies
from coupons.admission.strategies import Decide
from tests.bench import bench_campaigns, claim_cpu
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, Pairs, interleave_blocks
from tests.bench.sample_sizes import Size
from tests.harness.servers import free_port, is_listening, start_process

TRACED = [settings.MIDDLEWARE[0], "config.tracing.web.trace_requests", *settings.MIDDLEWARE[1:]]
SHARE = "0.01"  # as config/README.md advises for an opening


def measure_tracing_cost(folder: Path, size: Size) -> list[Figure]:
    """Each claim traced; in the details, one in a hundred."""
    with _collector(folder):
        whole = _pairs(size, OTEL_TRACES_SAMPLER="parentbased_always_on")
        part = _pairs(
            size, OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG=SHARE
        )
    return [
        Figure(
            "tracing_cost", whole.median_cost,
            {
                "us_traced": 1e6 * median(whole.ours),
                "us_untraced": 1e6 * median(whole.theirs),
                "one_in_a_hundred_cost": part.median_cost,
                "us_one_in_a_hundred": 1e6 * median(part.ours),
            },
            {"traced_s": whole.ours, "untraced_s": whole.theirs},
        )
    ]  # fmt: skip


@contextmanager
def _collector(folder: Path) -> Iterator[None]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.null_trace_collector", str(port)]
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
    with start_process(command, ready=partial(is_listening, port), log=folder / "collector.log"):
        yield
    del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]


def _pairs(size: Size, **sampler: str) -> Pairs:
    """Seconds per claim, including the export of its spans."""
    os.environ.update(sampler)
    connections.close_all()  # a claim needs none, so a serving process has none
    path = bench_campaigns.claims_path(
        bench_campaigns.open_campaign("traced", stock=2 * claim_cpu.request_count(size))
    )
    plain = _deciding(
        claim_cpu.request_blocks(WSGIHandler(), path, HTTPStatus.ACCEPTED, size), None
    )
    with override_settings(MIDDLEWARE=TRACED):
        django = WSGIHandler()
    sent = _sent(claim_cpu.request_blocks(django, path, HTTPStatus.ACCEPTED, size), size)
    traced = _deciding(sent, web.trace_decision)
    try:
        return interleave_blocks("tracing_cost", traced, plain, rounds=size.cpu_rounds)
    finally:
        strategies.trace_decisions_with(None)
        exporting.tracer_provider(web.SERVICE).shutdown()
        exporting.tracer_provider.cache_clear()
        exporting.make_tracer.cache_clear()


def _deciding(block: Block, trace: Callable[[Decide], Decide] | None) -> Block:
    def run_block() -> float:
        strategies.trace_decisions_with(trace)
        return block()

    return run_block


def _sent(block: Block, size: Size) -> Block:
    """Export the spans within the block that made them, not in the next one."""

    def run_block() -> float:
        spent = block()
        before = time.process_time()
        exporting.tracer_provider(web.SERVICE).force_flush()
        return spent + (time.process_time() - before) / size.cpu_block

    return run_block
