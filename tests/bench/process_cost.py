"""A web process of the users' door, served by granian as in production: its memory after a thousand
claims, and the time from its start until the first claim is admitted."""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import NamedTuple

from config.development.process import commands
from tests.bench import bench_campaigns, bench_users
from tests.bench.figures import Figure
from tests.bench.paired_rounds import with_progress
from tests.bench.product_processes import process_tree
from tests.bench.sample_sizes import Size
from tests.harness.servers import free_port, start_program

CONNECTIONS = commands.WEB_THREADS  # so many claims at once: every thread has worked
_ASK_AGAIN_S = 0.002
_LONGEST_START_S = 30
_LOG = "users.log"
_MB = 2**20  # as ps, top and systemd count
# Another virtual environment's Python, as of a host, which has none of the tests' packages: some of
# the product's import OpenTelemetry or Jinja where they find it.
_PYTHON = os.environ.get("SERVED_PYTHON", sys.executable)


def measure_start(folder: Path, size: Size) -> list[Figure]:
    """Seconds from exec to the first 202, of a site with as many processes as a small host has.
    `cpu`: of all its processes until then, which a busy machine changes less."""
    path = bench_campaigns.claims_path(bench_campaigns.open_campaign("started", stock=1_000))
    tokens = bench_users.make_tokens(size.starts)
    _compile_modules(folder)
    starts = [
        _start_once(folder, path, next(tokens)) for _ in with_progress("first_202_s", size.starts)
    ]
    seconds = [start.seconds for start in starts]
    cpu = [start.cpu_s for start in starts]
    return [
        Figure(
            "first_202_s", median(seconds),
            {
                "fastest": min(seconds),
                "slowest": max(seconds),
                "cpu_s": median(cpu),
                "starts": size.starts,
            },
            {"seconds": seconds, "cpu_s": cpu},
        )
    ]  # fmt: skip


def _compile_modules(folder: Path) -> None:
    """A start that is not measured. It compiles modules, as the installation of a release does, and
    reads the files from the disk."""
    path = bench_campaigns.claims_path(bench_campaigns.open_campaign("compiled", stock=1))
    _start_once(folder, path, next(bench_users.make_tokens(1)))


class Start(NamedTuple):
    seconds: float
    cpu_s: float


def _start_once(folder: Path, path: str, token: str) -> Start:
    begun = time.monotonic()
    with _run_users_door(folder) as (port, pid):
        _claim_when_served(port, path, token, until=begun + _LONGEST_START_S)
        seconds = time.monotonic() - begun
        times = [process.cpu_times() for process in process_tree(pid)]
        _wait_for_all(folder)
        return Start(seconds, sum(one.user + one.system for one in times))


def _wait_for_all(folder: Path) -> None:
    """A process of granian that is asked to stop while it still imports does not hear it."""
    while (folder / _LOG).read_text().count("Started worker-") < commands.WEB_WORKERS:
        time.sleep(_ASK_AGAIN_S)


def measure_memory(folder: Path, size: Size) -> list[Figure]:
    """Megabytes (2^20 bytes) of the larger one of two serving processes, after a thousand claims
    for each. `pss`: its share, pages of several processes divided among them; `host_pss`: of all
    processes of this door, granian's own included."""
    claims = size.served_claims * commands.WEB_WORKERS
    campaign = bench_campaigns.open_campaign("remembered", stock=claims + 1)
    path, tokens = bench_campaigns.claims_path(campaign), bench_users.make_tokens(claims + 1)
    _compile_modules(folder)
    with _run_users_door(folder) as (port, pid):
        _claim_when_served(port, path, next(tokens), until=time.monotonic() + _LONGEST_START_S)
        rest = [*tokens]
        shares = [rest[number::CONNECTIONS] for number in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as crowd:
            list(crowd.map(lambda share: _claim_each(port, path, share), shares))
        own, *serving = [process.memory_full_info() for process in process_tree(pid)]
    largest = max(serving, key=lambda one: one.rss)
    return [
        Figure(
            "web_rss_mb", largest.rss / _MB,
            {
                "pss": largest.pss / _MB,
                "unshared": largest.uss / _MB,
                "host_pss": sum(one.pss for one in (own, *serving)) / _MB,
                "claims": claims,
            },
            {"rss": [one.rss / _MB for one in serving]},
        )
    ]  # fmt: skip


@contextmanager
def _run_users_door(folder: Path) -> Iterator[tuple[int, int]]:
    """Granian with the users' door alone; yields its port and its process id, at once."""
    port, metrics = free_port(), folder / f"users-{time.monotonic_ns()}"
    metrics.mkdir()
    command = [
        _PYTHON, *commands.web_command(port, workers=commands.WEB_WORKERS)[1:-1],
        "--log-config", "config/granian.json", commands.APPLICATION,
    ]  # fmt: skip
    env = {
        "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "DJANGO_SETTINGS_MODULE": "config.settings",  # without the bench's stock view
        "DOOR": "users", "LOG_JSON": "yes", "SHED_AFTER_S": "0",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }  # fmt: skip
    with start_program(command, log=folder / _LOG, env=env) as program:
        yield port, program.pid


def _claim_when_served(port: int, path: str, token: str, *, until: float) -> None:
    while time.monotonic() < until:
        try:
            return _claim_each(port, path, [token])
        except ConnectionError:  # nothing listens yet
            time.sleep(_ASK_AGAIN_S)
    raise RuntimeError("The users' door did not start.")


def _claim_each(port: int, path: str, tokens: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_START_S)
    try:
        for token in tokens:
            connection.request(
                "POST", path, json.dumps({}),
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            if answer.status != HTTPStatus.ACCEPTED:
                raise RuntimeError(f"A claim was answered with {answer.status}.")
    finally:
        connection.close()
