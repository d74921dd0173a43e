"""The cost of monitoring: throughput that a scrape of /metrics takes, at Prometheus' interval.

Under load, short blocks with a scrape and without alternate in pairs, whose order changes from pair
to pair. One pair is dominated by the machine's noise; a hundred give a confidence interval of their
median. Two more measures: the web processes' CPU per claim, and the CPU of a scrape on an idle
site.
"""

import http.client
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median

import psutil

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.store import store
from tests.bench import confidence_intervals, http_rate, product_processes
from tests.bench.figures import Figure
from tests.bench.paired_rounds import with_progress
from tests.bench.sample_sizes import Size

EVERY_S = 5.0  # prometheus.yml's scrape interval (a test compares)
BLOCK_S = 0.5  # or longer, if its scrape takes longer
_DROPPED_PAIRS = 2  # pairs at the end are dropped: the load may have ended in them
HEADERS = {  # of a Prometheus
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5",
    "Accept-Encoding": "gzip",
}


@dataclass(frozen=True, slots=True)
class Block:
    """The site's work during some seconds."""

    seconds: float
    claims: int
    cpu_s: float  # of the web processes


@dataclass(frozen=True, slots=True)
class Pair:
    """Two consecutive blocks, one of them with a scrape."""

    scraped: Block
    quiet: Block

    @property
    def lost_share(self) -> float:
        """The share of throughput that a scrape every EVERY_S takes."""
        slower = 1 - self.scraped.claims / self.scraped.seconds / self._rate
        return slower * self.scraped.seconds / EVERY_S

    @property
    def extra_cpu_share(self) -> float:
        """The share of the web processes' CPU that it takes."""
        more = self.scraped.cpu_s / self.scraped.claims / self._cpu_each - 1
        return more * self.scraped.seconds / EVERY_S

    @property
    def _rate(self) -> float:
        return self.quiet.claims / self.quiet.seconds

    @property
    def _cpu_each(self) -> float:
        return self.quiet.cpu_s / self.quiet.claims


class ScrapeWatch:
    """Measures pairs on a site while it is under load."""

    def __init__(self, web: product_processes.Web) -> None:
        self._address = web.url.removeprefix("http://")
        self._processes = product_processes.process_tree(web.pid)
        self.pairs: list[Pair] = []
        self.scrapes_s: list[float] = []

    @contextmanager
    def watch_load(self, campaign: CampaignSnapshot) -> Iterator[None]:
        """Measure while the block sends claims on this campaign; discards the pairs if it fails."""
        over = threading.Event()
        with ThreadPoolExecutor(max_workers=1) as watching:
            taken = watching.submit(self._pairs, campaign.slug, over)
            try:
                yield
            finally:
                over.set()
        self.pairs += taken.result()[:-_DROPPED_PAIRS]

    def scrape_once(self) -> None:
        began = time.monotonic()
        with closing(http.client.HTTPConnection(self._address, timeout=5)) as asking:
            asking.request("GET", "/metrics", headers=HEADERS)
            answer = asking.getresponse()
            if answer.status != HTTPStatus.OK or b"coupon_claims_total" not in answer.read():
                raise RuntimeError("The response is not our metrics page.")
        self.scrapes_s.append(time.monotonic() - began)

    def _pairs(self, slug: str, over: threading.Event) -> list[Pair]:
        while not _admitted(slug) and not over.wait(0.1):
            pass
        pairs: list[Pair] = []
        while not over.is_set():
            scrape_first = len(pairs) % 2 == 0
            first = self._block(slug, scraped=scrape_first)
            then = self._block(slug, scraped=not scrape_first)
            pairs.append(Pair(first, then) if scrape_first else Pair(then, first))
        return pairs

    def _block(self, slug: str, *, scraped: bool) -> Block:
        began, claims, cpu_s = time.monotonic(), _admitted(slug), _cpu_s(self._processes)
        if scraped:
            self.scrape_once()
        time.sleep(max(0.0, began + BLOCK_S - time.monotonic()))
        seconds = time.monotonic() - began
        return Block(seconds, _admitted(slug) - claims, _cpu_s(self._processes) - cpu_s)


def measure_scrape_cost(folder: Path, size: Size) -> list[Figure]:
    """The upper bound of the throughput that a scrape every EVERY_S takes."""
    with product_processes.run_web(folder) as web:
        watch = ScrapeWatch(web)
        site = http_rate.prepare_site(web.url, folder, seconds=size.wrk_s)
        site.users, site.seconds = site.users * size.scrape_s // size.wrk_s, size.scrape_s
        for _ in with_progress("scrape_cost", size.scrape_loads):
            http_rate.measure_claims(site, beside=watch.watch_load)
        under_load_s, alone_s = median(watch.scrapes_s), _cpu_of_one(watch, size.scrapes)
    lost = confidence_intervals.median_interval([pair.lost_share for pair in watch.pairs])
    dearer = confidence_intervals.median_interval([pair.extra_cpu_share for pair in watch.pairs])
    return [
        Figure(
            "scrape_cost", lost.high,
            {
                "pairs": len(watch.pairs),
                **lost.as_details("lost"),
                **dearer.as_details("dearer"),
                "cpu_ms_per_scrape": 1e3 * alone_s,
                "share_of_all_cores": alone_s / EVERY_S / (os.cpu_count() or 1),
                "scrape_ms_under_load": 1e3 * under_load_s,
                "claims_per_s": median(p.quiet.claims / p.quiet.seconds for p in watch.pairs),
            },
            {
                "lost": [pair.lost_share for pair in watch.pairs],
                "dearer": [pair.extra_cpu_share for pair in watch.pairs],
            },
        )
    ]  # fmt: skip


def _cpu_of_one(watch: ScrapeWatch, scrapes: int) -> float:
    """CPU seconds of one scrape of the idle site, all its servers included."""
    servers = product_processes.process_tree(os.getpid())[1:]
    before = _cpu_s(servers)
    for _ in range(scrapes):
        watch.scrape_once()
    return (_cpu_s(servers) - before) / scrapes


def _admitted(slug: str) -> int:
    return store().campaigns.gate(slug).admitted


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))
