"""What a claim is spared, since django-prometheus counts every other view: CPU per claim with its
middleware ÷ without."""

from http import HTTPStatus
from pathlib import Path
from statistics import median

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import override_settings

from tests.bench import bench_campaigns, claim_cpu
from tests.bench.figures import Figure
from tests.bench.paired_rounds import interleave_blocks
from tests.bench.sample_sizes import Size

PER_VIEW = [
    settings.MIDDLEWARE[0],
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    *settings.MIDDLEWARE[1:],
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]


def measure_per_view_cost(_: Path, size: Size) -> list[Figure]:
    """CPU per admitted claim, with the middleware ÷ without."""
    connections.close_all()  # idle during the last figure: the server has closed it
    campaign = bench_campaigns.open_campaign("viewed", stock=2 * claim_cpu.request_count(size))
    path = bench_campaigns.claims_path(campaign)
    with override_settings(MIDDLEWARE=PER_VIEW):
        watched = claim_cpu.request_blocks(WSGIHandler(), path, HTTPStatus.ACCEPTED, size)
    plain = claim_cpu.request_blocks(WSGIHandler(), path, HTTPStatus.ACCEPTED, size)
    pairs = interleave_blocks("per_view_cost", watched, plain, rounds=size.cpu_rounds)
    return [
        Figure(
            "per_view_cost", pairs.median_cost,
            {"us_with": 1e6 * median(pairs.ours), "us_without": 1e6 * median(pairs.theirs)},
            {"with_s": pairs.ours, "without_s": pairs.theirs},
        )
    ]  # fmt: skip
