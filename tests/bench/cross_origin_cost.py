"""What CORS adds to a request while CORS_ORIGINS is set: microseconds of CPU. Unset, the middleware
is not in the chain (`config.wsgi`; tests/config/test_cross_origin.py)."""

import time
from pathlib import Path
from statistics import median
from typing import Any

from config.cross_origin import Application, CrossOrigin
from tests.bench.figures import Figure
from tests.bench.paired_rounds import Block, interleave_blocks
from tests.bench.sample_sizes import Size

_ORIGIN = "https://shop.example"
_REQUESTS = 50  # times the block of a CPU figure
_HEADERS = [
    ("Content-Type", "application/json"), ("Coupon-Outcome", "admitted"), ("Content-Length", "2"),
    ("X-Request-Id", "a" * 32), ("Cache-Control", "no-store"),
]  # fmt: skip


def measure_cross_origin(_: Path, size: Size) -> list[Figure]:
    """A request of an allowed origin; in the details a preflight."""
    requests = _REQUESTS * size.cpu_block
    ours = _blocks(CrossOrigin(_answer, [_ORIGIN, "http://localhost:8083"]), requests)
    pairs = interleave_blocks(
        "cross_origin_us", ours, _blocks(_answer, requests), rounds=size.cpu_rounds
    )
    preflight = _blocks(
        CrossOrigin(_answer, [_ORIGIN]), requests,
        REQUEST_METHOD="OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
    )  # fmt: skip
    added = [with_it - without for with_it, without in zip(pairs.ours, pairs.theirs, strict=True)]
    return [
        Figure(
            "cross_origin_us", 1e6 * median(added),
            {"us_of_preflight": 1e6 * median(preflight() for _ in range(5))},
            {"with_s": pairs.ours, "without_s": pairs.theirs},
        )
    ]  # fmt: skip


def _answer(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("202 Accepted", _HEADERS)
    return [b"{}"]


def _blocks(application: Application, requests: int, **environ: str) -> Block:
    asked = {"REQUEST_METHOD": "POST", "HTTP_ORIGIN": _ORIGIN, **environ}

    def run_block() -> float:
        before = time.process_time()
        for _ in range(requests):
            application(asked, _start)
        return (time.process_time() - before) / requests

    return run_block


def _start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
    """As granian, it reads the headers."""
    for _name, _value in headers:
        pass
