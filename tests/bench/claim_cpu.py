"""CPU time per request through the whole WSGI application: a claim ÷ a stock DRF view."""

import io
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import override_settings

from config.wsgi import application
from coupons.campaigns.snapshot import CampaignSnapshot
from tests.bench import baseline_view, bench_campaigns, bench_users
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, Pairs, interleave_blocks, with_progress
from tests.bench.sample_sizes import Size

BODY = b'{"nth":1}'

# As `django-admin startproject` writes it.
NEW_PROJECT = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def measure_admission(_: Path, size: Size) -> list[Figure]:
    """Each claim has a new user and is admitted."""
    campaign = bench_campaigns.open_campaign("cpu", stock=request_count(size))
    shipped, shared = _figures("admission", campaign, HTTPStatus.ACCEPTED, size)
    shipped.details["us_per_stock_request_without_middleware"] = 1e6 * _elsewhere([], size)
    shipped.details["us_per_stock_request_in_a_new_project"] = 1e6 * _elsewhere(NEW_PROJECT, size)
    return [shipped, shared]


def measure_sold_out(_: Path, size: Size) -> list[Figure]:
    """Each claim has a new user and is refused: sold out."""
    campaign = bench_campaigns.open_campaign("gone", stock=1)
    _cost(
        application,
        [_environ(bench_campaigns.claims_path(campaign), *bench_users.make_tokens(1))],
        HTTPStatus.ACCEPTED,
    )
    return _figures("sold_out", campaign, HTTPStatus.CONFLICT, size)


def measure_not_open(_: Path, size: Size) -> list[Figure]:
    """Each claim has a new user and is refused: not open yet."""
    campaign = bench_campaigns.open_campaign("early", stock=1000, opens_in=timedelta(hours=1))
    return _figures("not_open", campaign, HTTPStatus.CONFLICT, size)


def _elsewhere(middleware: list[str], size: Size) -> float:
    """For the details: CPU of the stock view behind other middleware than ours."""
    with override_settings(MIDDLEWARE=middleware):
        django = WSGIHandler()
    block = request_blocks(django, baseline_view.PATH, HTTPStatus.OK, size)
    return median(block() for _ in with_progress("… elsewhere", size.cpu_rounds // 4 + 1))


def request_count(size: Size) -> int:
    return (size.cpu_rounds + 1) * size.cpu_block


def _figures(
    name: str, campaign: CampaignSnapshot, expected: HTTPStatus, size: Size
) -> list[Figure]:
    """Both yardsticks in the same rounds: ÷ the stock view as shipped, and ÷ the stock view that
    shares our request cycle."""
    connections.close_all()  # a claim needs none, so a serving process has none
    ours = request_blocks(application, bench_campaigns.claims_path(campaign), expected, size)
    theirs = request_blocks(application, baseline_view.PATH, HTTPStatus.OK, size)
    sharing = request_blocks(application, baseline_view.SHARED_PATH, HTTPStatus.OK, size)
    shared: list[float] = []

    def both() -> float:
        shared.append(sharing())
        return theirs()

    pairs = interleave_blocks(name, ours, both, rounds=size.cpu_rounds)
    return [
        _figure(f"{name}_cpu_ratio", pairs),
        _figure(f"{name}_shared_ratio", Pairs(pairs.ours, shared[1:])),
    ]


def _figure(name: str, pairs: Pairs) -> Figure:
    return Figure(
        name, pairs.median_cost,
        {
            "total_ratio": pairs.total_cost,
            "quiet_ratio": pairs.quiet_cost,
            "us_per_claim": 1e6 * median(pairs.ours),
            "us_per_stock_request": 1e6 * median(pairs.theirs),
        },
        {"claim_s": pairs.ours, "stock_s": pairs.theirs},
    )  # fmt: skip


def request_blocks(
    django: Any, path: str, expected: HTTPStatus, size: Size, tokens: Iterator[str] | None = None
) -> Block:
    """Each request has the next of these tokens; without any, of plain HS256."""
    if tokens is None:
        tokens = bench_users.make_tokens(request_count(size))
    environs = (_environ(path, token) for token in tokens)

    def run_block() -> float:
        return _cost(django, list(islice(environs, size.cpu_block)), expected)

    return run_block


def _cost(django: Any, environs: list[dict[str, Any]], expected: HTTPStatus) -> float:
    """CPU seconds per request of this process, all threads included."""
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Callable[[bytes], object]:
        statuses.append(status)
        return _never

    before = time.process_time()
    for environ in environs:
        response = django(environ, start_response)
        b"".join(response)
        if hasattr(response, "close"):
            response.close()
    spent = time.process_time() - before
    wrong = {status for status in statuses if not status.startswith(str(expected.value))}
    if wrong or len(statuses) != len(environs):
        raise RuntimeError(f"{environs[0]['PATH_INFO']} answered {wrong}, not {expected.value}.")
    return spent / len(environs)


def _never(data: bytes) -> object:
    """WSGI's `write`, which Django does not use."""
    raise NotImplementedError


def _environ(path: str, token: str) -> dict[str, Any]:
    """The WSGI environment of a request."""
    return {
        **os.environ,  # as granian does
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(BODY)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "bench",
        "HTTP_ACCEPT": "*/*",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(BODY),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
