"""What it costs to be watched: claims per second while /metrics is read, ÷ while it is not; and CPU
per claim with django-prometheus' middleware (METRICS_PER_VIEW), ÷ without."""

import http.client
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from http import HTTPStatus
from pathlib import Path
from statistics import median

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import override_settings

from tests.bench import cpu, openings, programs, serving
from tests.bench.figures import Figure
from tests.bench.rounds import Pairs, interleaved
from tests.bench.serving import Site
from tests.bench.size import Size

EVERY_S = 5.0  # as Prometheus is set up to ask
TIMES = 50  # so often, too: what one scrape costs drowns in noise, what fifty do doesn't
Scraping = Callable[[], AbstractContextManager[object]]

PER_VIEW = [
    settings.MIDDLEWARE[0],
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    *settings.MIDDLEWARE[1:],
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]


class Scraper:
    """Reads a site's metrics at equal distances, as Prometheus does."""

    def __init__(self, address: str, every_s: float) -> None:
        self._address, self._every_s = address, every_s
        self._over, self.read = threading.Event(), 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if not self.read:
            raise RuntimeError("No metrics were read while others claimed.")

    def _run(self) -> None:
        wait_s = self._every_s / 2  # so that a block of ten seconds has two
        while not self._over.wait(wait_s):
            self._scrape()
            wait_s = self._every_s

    def _scrape(self) -> None:
        with closing(http.client.HTTPConnection(self._address, timeout=5)) as asking:
            asking.request("GET", "/metrics")
            answer = asking.getresponse()
            if answer.status == HTTPStatus.OK and b"coupon_claims_total" in answer.read():
                self.read += 1


def cost(folder: Path, size: Size) -> list[Figure]:
    """The share of throughput that a scrape every EVERY_S takes."""
    with programs.web(folder) as url:
        site = serving.crowded(url, folder, seconds=size.wrk_s)
        address = url.removeprefix("http://")
        often = _pairs(site, lambda: Scraper(address, EVERY_S / TIMES), size.often_rounds)
        site.users, site.seconds = site.users * size.scrape_s // size.wrk_s, size.scrape_s
        asked = _pairs(site, lambda: Scraper(address, EVERY_S), size.scrape_rounds)
    return [
        Figure(
            "scrape_cost", (often.cost - 1) / TIMES,
            {
                "fifty_times_as_often": often.cost - 1,
                "every_five_seconds": asked.cost - 1,
                "every_five_seconds_total": asked.total_cost - 1,
                "claims_per_s": 1 / median(asked.theirs),
            },
            {
                "often_s": often.ours, "never_s": often.theirs,
                "scraped_s": asked.ours, "unscraped_s": asked.theirs,
            },
        )
    ]  # fmt: skip


def _pairs(site: Site, scraping: Scraping, rounds: int) -> Pairs:
    """Seconds per claim with and without."""

    def block(watching: Scraping) -> float:
        with watching():
            return 1 / serving.claims(site).per_second

    return interleaved(
        "scrape_cost", lambda: block(scraping), lambda: block(nullcontext), rounds=rounds
    )


def per_view(_: Path, size: Size) -> list[Figure]:
    """CPU per admitted claim, METRICS_PER_VIEW=yes ÷ no."""
    connections.close_all()  # silent for a whole figure: the server has ended it
    campaign = openings.opened("viewed", stock=2 * cpu.requests(size))
    path = openings.path_of(campaign)
    with override_settings(MIDDLEWARE=PER_VIEW):
        watched = cpu.blocks(WSGIHandler(), path, HTTPStatus.ACCEPTED, size)
    plain = cpu.blocks(WSGIHandler(), path, HTTPStatus.ACCEPTED, size)
    pairs = interleaved("per_view_cost", watched, plain, rounds=size.cpu_rounds)
    return [
        Figure(
            "per_view_cost", pairs.cost,
            {"us_with": 1e6 * median(pairs.ours), "us_without": 1e6 * median(pairs.theirs)},
            {"with_s": pairs.ours, "without_s": pairs.theirs},
        )
    ]  # fmt: skip
