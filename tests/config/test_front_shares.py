"""What users share behind the front: threads, and the order in which requests get them."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.config.fronted import CLAIMS, front_of_unavailable, status_of
from tests.harness import servers
from tests.harness.front import API_PATHS, FIRST_PATHS, FrontDoor, start_front

OTHERS = ["/api/v1/coupons", "/api/v1/coupons/K-2", f"{CLAIMS}/me", "/api/v1/campaigns/sale"]

pytestmark = pytest.mark.slow


class Inner(ThreadingHTTPServer):
    """A server that answers claims with 200, after the seconds of the header `Takes`, rejects the
    token of `Bearer bad.…`, and never answers anything else. Keeps the order of claims."""

    def __init__(self) -> None:
        self.over, self.order = threading.Event(), list[str]()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Inner

    def do_GET(self) -> None:
        self.server.over.wait()

    def do_POST(self) -> None:
        self.server.order.append(self.headers.get("Name", ""))
        time.sleep(float(self.headers.get("Takes", "0")))
        is_bad = self.headers.get("Authorization", "").startswith("Bearer bad.")
        self.send_response(401 if is_bad else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def front_of(
    folder: Path, first: str = FIRST_PATHS, **settings: Any
) -> Iterator[tuple[int, Inner]]:
    """The port of a front with a thread for claims and one for the rest, and its server."""
    inner = Inner()
    serving = threading.Thread(target=inner.serve_forever)
    serving.start()
    port = servers.free_port()
    door = FrontDoor(
        "users", port, inner.server_port, at_once=2, paths=API_PATHS, first=first
    )  # fmt: skip
    try:
        with start_front(folder / "front", [door], balancers=["127.0.0.0/8"], **settings):
            yield port, inner
    finally:
        inner.over.set()
        inner.shutdown()
        serving.join()
        inner.server_close()


def claim(port: int, *, token: str = "a.b.c", address: str = "198.51.100.1", **headers: str) -> int:
    says = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address, **headers}
    return status_of(port, CLAIMS, "POST", says)


@contextmanager
def waiting_reads(port: int) -> Iterator[None]:
    """Forty requests that are no claims, each of a token of its own."""
    with ExitStack() as stack:
        for number in range(40):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            path = OTHERS[number % len(OTHERS)]
            one.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer a.b.{number}\r\n\r\n".encode()
            )
        time.sleep(0.2)
        yield


def test_13_1_what_is_no_claim_takes_no_thread_of_claims(tmp_path: Path) -> None:
    with front_of(tmp_path, shed_after_ms=3000) as (port, _), waiting_reads(port):
        assert [claim(port, token=f"a.{n}.c") for n in range(10)] == [200] * 10


def test_13_1_with_one_queue_for_all_it_would(tmp_path: Path) -> None:
    """The negative control."""
    with front_of(tmp_path, first="", shed_after_ms=500) as (port, _), waiting_reads(port):
        assert claim(port) == 503


def test_13_4_one_token_has_a_limit_from_whatever_address(tmp_path: Path) -> None:
    """In any spelling of the header; other tokens of the address are not limited by it."""
    with front_of(tmp_path, most_of_token=3, held_s=1) as (port, _):
        statuses = [claim(port, address=f"198.51.100.{n}") for n in range(5)]
        assert statuses == [200] * 3 + [429] * 2
        for said in ("bEARER a.b.c", "Bearer  a.b.c", "bearer     a.b.c"):
            assert claim(port, Authorization=said) == 429, said
        assert claim(port, token="a.b.d") == 200


def test_13_4_pages_do_not_count_towards_the_limit_of_a_token(tmp_path: Path) -> None:
    with front_of_unavailable(tmp_path, most_of_token=3) as port:
        says = {"Authorization": "Bearer a.b.c"}
        assert [status_of(port, OTHERS[-1], says=says) for _ in range(5)] == [503] * 5
        assert [status_of(port, OTHERS[0], says=says) for _ in range(4)] == [503] * 3 + [429]


def claims_of_two(port: int, inner: Inner) -> list[str]:
    """The order in which claims of a rejected address (first) and of another one are served, both
    of which wait for a claim that is being served."""
    inner.order.clear()
    with ThreadPoolExecutor(3) as pool:
        sent = []
        for name, address in (
            ("slow", "203.0.113.1"),
            ("first", "198.51.100.1"),
            ("then", "203.0.113.2"),
        ):
            says = {"Name": name, "Takes": "0.6" if name == "slow" else "0"}
            sent.append(pool.submit(claim, port, token=f"{name}.b.c", address=address, **says))
            time.sleep(0.15)
        assert [each.result() for each in sent] == [200] * 3
    return inner.order


def test_13_4_an_address_with_many_rejected_tokens_waits_longer_and_is_served(
    tmp_path: Path,
) -> None:
    with front_of(tmp_path, shed_after_ms=5000, most_rejected=2) as (port, inner):
        assert claims_of_two(port, inner) == ["slow", "first", "then"]
        assert [
            status_of(port, CLAIMS, "POST", {"X-Forwarded-For": "198.51.100.1"}) for _ in range(5)
        ] == [200] * 5
        assert claims_of_two(port, inner) == ["slow", "first", "then"], (
            "without a token: none rejected"
        )
        assert [claim(port, token=f"bad.{n}.c") for n in range(5)] == [401] * 5
        assert claims_of_two(port, inner) == ["slow", "then", "first"]
