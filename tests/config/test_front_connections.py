"""The cost of idle connections, and of clients that do not read their answers."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.config.fronted import front_of_operators, hold_connections, status_of
from tests.config.waiting import wait_until
from tests.harness import servers
from tests.harness.front import FrontDoor, start_front

pytestmark = pytest.mark.slow
LARGE_FILE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
SLOW_READERS = 14


def get_request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


# Clients that do not read


@pytest.mark.usefixtures("collected_static")
@pytest.mark.parametrize("path", [LARGE_FILE, LARGE_FILE.replace("static", "st%61tic")])
def test_readers_who_do_not_read_a_large_file_hold_no_thread_of_a_page(
    operators_inner: int, tmp_path: Path, path: str
) -> None:
    with (
        front_of_operators(operators_inner, tmp_path) as served,
        # Many times over, as the system takes in more than one of them for a connection.
        hold_connections(
            served.port, get_request(path) * 20, SLOW_READERS, source="127.0.0.2", window=2048
        ),
    ):
        pages = ("/admin/login/", "/", "/livez", "/readyz", "/metrics")
        assert {page: status_of(served.port, page) for page in pages} == dict.fromkeys(pages, 200)


@pytest.mark.usefixtures("collected_static", "open_sale")
@pytest.mark.parametrize("path", ["/metrics", "/api/v1/schema", "/admin/login/", "/x"])
def test_readers_who_do_not_read_many_answers_hold_no_thread_of_a_page(
    operators_inner: int, tmp_path: Path, path: str
) -> None:
    with (
        front_of_operators(operators_inner, tmp_path) as served,
        hold_connections(
            served.port, get_request(path) * 20, SLOW_READERS, source="127.0.0.2", window=2048
        ),
    ):
        others = ("/admin/login/", "/", "/livez", "/readyz", "/metrics")
        shown = {page: status_of(served.port, page) for page in others if page != path}
        assert shown == dict.fromkeys(shown, 200)


ANSWERER = """
import asyncio, sys
async def serve(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 20000\\r\\n\\r\\n" + b"x" * 20000)
async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()
asyncio.run(main())
"""


def test_an_answer_that_fits_in_a_buffer_keeps_no_place_for_a_reader_who_does_not_read(
    tmp_path: Path,
) -> None:
    """More of them than the system takes in for a connection, through a door for one at a time."""
    inner, port = servers.free_port(), servers.free_port()
    command = [sys.executable, "-c", ANSWERER, str(inner)]
    with (
        servers.start_process(
            command, ready=lambda: servers.is_listening(inner), log=tmp_path / "log"
        ),
        start_front(tmp_path / "front", [FrontDoor("door", port, inner, at_once=1)]),
        hold_connections(port, get_request("/x") * 1_000, 4, window=2048),
    ):
        wait_until(lambda: status_of(port, "/x") == 200)
        assert [status_of(port, "/x") for _ in range(5)] == [200] * 5


# Idle connections


def test_idle_connections_of_one_address_leave_room_for_those_who_watch(
    operators_inner: int, tmp_path: Path
) -> None:
    with (
        front_of_operators(operators_inner, tmp_path, request_s=60) as served,
        hold_connections(served.port, b"", 450, source="127.0.0.2"),
    ):
        assert [status_of(served.port, "/readyz") for _ in range(5)] == [200] * 5
        assert status_of(served.port, "/metrics") == 200


def test_idle_connections_of_many_addresses_leave_room_for_those_who_watch(
    operators_inner: int, tmp_path: Path
) -> None:
    with (
        front_of_operators(operators_inner, tmp_path, request_s=60) as served,
        ExitStack() as stack,
    ):
        for n in range(1, 11):
            stack.enter_context(hold_connections(served.port, b"G", 60, source=f"127.0.1.{n}"))
        assert [status_of(served.port, "/readyz") for _ in range(5)] == [200] * 5
        assert status_of(served.port, "/metrics") == 200


@pytest.mark.parametrize("balancers", [[], ["10.0.0.0/8"]])
def test_idle_connections_of_one_address_leave_room_for_those_who_claim(
    tmp_path: Path, balancers: list[str]
) -> None:
    """Without a balancer. A balancer ends idle clients itself, and all connections have its
    address."""
    door = FrontDoor("users", servers.free_port(), servers.free_port(), connections=100)
    settings: dict[str, Any] = {
        "crowded_connections": 20, "balancers": balancers, "request_s": 60,
    }  # fmt: skip
    with (
        start_front(tmp_path / "front", [door], **settings),
        hold_connections(door.port, b"", 150, source="127.0.0.2"),
    ):
        if balancers:
            with pytest.raises(OSError):
                status_of(door.port, "/", patience_s=2)
        else:
            assert status_of(door.port, "/") == 503  # no server listens behind it


def test_idle_connections_to_its_own_metrics_leave_room_for_prometheus(tmp_path: Path) -> None:
    door = FrontDoor("users", servers.free_port(), servers.free_port())
    with (
        start_front(tmp_path / "front", [door], connections=400, request_s=60) as metrics,
        hold_connections(metrics, b"", 450, source="127.0.0.2"),
    ):
        assert status_of(metrics, "/metrics") == 200
