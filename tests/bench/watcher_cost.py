"""What ten thousand watchers, who ask once a second how a campaign stands, cost the application.

They ask through a caching proxy (HAProxy with its cache) which keeps the document as long as
`Cache-Control` allows. When it expires, those who ask at that moment all reach the application,
until its answer is there: by Little's law ten thousand a second, each answered within 1.6 ms, are
16 at a time. So `wrk` asks on 16 connections, as fast as it can. The same without the proxy says
what one request costs.
"""

import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from django.db import connection

from tests.bench import bench_campaigns, product_processes
from tests.bench.figures import Figure
from tests.bench.paired_rounds import with_progress
from tests.bench.product_processes import Web
from tests.bench.sample_sizes import Size
from tests.harness.front import haproxy_command
from tests.harness.servers import free_port, is_listening, start_process

WATCHERS = 10_000  # requests a second
_CONNECTIONS, _THREADS = 16, 1
_RESPONSES = re.compile(r"^coupon_responses_total\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)


class Spent(NamedTuple):
    """Of one block: answered requests, those that reached the application, its CPU seconds, the
    statements that MySQL got, and how long it took, in seconds."""

    asked: int
    reached: int
    cpu_s: float
    statements: int
    seconds: float


def measure_watchers(folder: Path, size: Size) -> list[Figure]:
    campaign = bench_campaigns.open_campaign("watched", stock=1_000)
    path = f"/api/v1/campaigns/{campaign.slug}/live"
    with (
        product_processes.run_web(folder) as web,
        _caching_proxy(folder, urlsplit(web.url).port or 0) as proxy,
    ):
        urls = {"cached": f"http://127.0.0.1:{proxy}{path}", "direct": web.url + path, "idle": ""}
        blocks: dict[str, list[Spent]] = {name: [] for name in urls}
        for _ in with_progress("watchers_core_share", size.wrk_rounds):
            for name, url in urls.items():
                blocks[name].append(_watch(web, url, size.wrk_s))
    cached, direct, idle = (_sum(blocks[name]) for name in urls)
    us = 1e6 * direct.cpu_s / direct.asked
    details = {
        "asked_per_s": cached.asked / cached.seconds,
        "reached_per_s": cached.reached / cached.seconds,
        "us_per_request": us,
        "core_share_without_proxy": us * WATCHERS / 1e6,
        "idle_core_share": idle.cpu_s / idle.seconds,
        # The health checks of the same process ask once a second.
        "mysql_statements_per_s": cached.statements / cached.seconds,
        "mysql_statements_per_s_idle": idle.statements / idle.seconds,
    }
    return [Figure("watchers_core_share", cached.cpu_s / cached.seconds, details)]


def _watch(web: Web, url: str, seconds: int) -> Spent:
    """One block of load on this address; without one, of nothing."""
    # A look at the metrics makes the application ask MySQL: not within the block.
    before = _responses(web), _statements(), _cpu_s(web)
    began_s = time.monotonic()
    asked = 0
    if url:
        asked = _run_wrk(url, seconds)
    else:
        time.sleep(seconds)
    took_s = time.monotonic() - began_s
    after_cpu_s, statements = _cpu_s(web), _statements()
    return Spent(
        asked,
        _responses(web) - before[0],
        after_cpu_s - before[2],
        statements - before[1] - 1,  # the SHOW itself
        took_s,
    )


def _run_wrk(url: str, seconds: int) -> int:
    """How many were answered. Raises RuntimeError if one was not answered well."""
    command = ["wrk", "--threads", str(_THREADS), "--connections", str(_CONNECTIONS),
               "--duration", f"{seconds}s", url]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"(\d+) requests in ", done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"wrk: {done.stdout}")
    return int(found[1])


def _sum(blocks: list[Spent]) -> Spent:
    return Spent(*(sum(values) for values in zip(*blocks, strict=True)))


def _cpu_s(web: Web) -> float:
    times = [process.cpu_times() for process in product_processes.process_tree(web.pid)]
    return float(sum(each.user + each.system for each in times))


def _responses(web: Web) -> int:
    """Responses of the application so far."""
    with urllib.request.urlopen(f"{web.url}/metrics", timeout=10) as page:
        return int(sum(float(count) for count in _RESPONSES.findall(page.read().decode())))


def _statements() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


@contextmanager
def _caching_proxy(folder: Path, inner: int) -> Iterator[int]:
    """HAProxy with a cache in front of granian. Yields its port."""
    port, configuration = free_port(), folder / "caching.cfg"
    configuration.write_text(
        "global\n  nbthread 1\ncache live\n  total-max-size 4\n  max-age 60\ndefaults\n"
        "  mode http\n  timeout client 30s\n  timeout connect 5s\n  timeout server 30s\n"
        f"listen users\n  bind 127.0.0.1:{port}\n  http-request cache-use live\n"
        f"  http-response cache-store live\n  server web 127.0.0.1:{inner}\n"
    )
    command, log = haproxy_command(configuration), folder / "caching.log"
    with start_process(command, ready=lambda: is_listening(port), log=log):
        yield port
