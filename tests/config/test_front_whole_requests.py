"""The front passes a request to granian only when it has arrived completely, whatever the size and
framing of its line, headers and body."""

import itertools
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest

from coupons.errors import LengthRequired
from tests.config.fronted import (
    CLAIMS,
    THREADS,
    Served,
    front_of_operators,
    hold_connections,
    post_claim,
    send_bytes,
    status_of,
)
from tests.harness import servers
from tests.harness.front import FrontDoor, problem_documents, start_front, write_configuration

pytestmark = pytest.mark.slow
SEVERAL = 4 * THREADS
LOGIN = "/admin/login/"


def request_head(path: str, *headers: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode()


def unfinished_request(path: str, line: int, headers: int, length: int, sent: int) -> bytes:
    """A request of these sizes in bytes, of whose body only `sent` bytes are sent."""
    filler = [f"X-{n}: {'h' * 1000}" for n in range(headers // 1000)]
    filled = f"{path}?{'a' * line}" if line else path
    return request_head(filled, f"Content-Length: {length}", *filler) + b"{" * sent


def http2_frame(kind: int, flags: int, payload: bytes) -> bytes:
    """An HTTP/2 frame, of stream 1 unless it is the connection's."""
    stream = 0 if kind == 4 else 1
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def http2_request(path: str) -> bytes:
    """HTTP/2: the preface, settings, and the headers of a request whose body is not sent."""
    fields = {":method": "POST", ":scheme": "http", ":authority": "a", ":path": path}
    packed = b"".join(
        b"\x00" + b"".join(bytes([len(text)]) + text.encode() for text in pair)
        for pair in fields.items()
    )
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, b"") + http2_frame(1, 4, packed)


CHUNKED = request_head(CLAIMS, "Transfer-Encoding: chunked") + b"5\r\n{"
ON_THE_USERS_DOOR = {
    "a line of 28,000": unfinished_request(CLAIMS, 28_000, 0, 4096, 3900),
    "a query of 12,500 and headers of 15,500": unfinished_request(
        CLAIMS, 12_500, 15_500, 4096, 3900
    ),
    "every limit": unfinished_request(CLAIMS, 1_900, 15_000, 4096, 4095),
    "a small body": unfinished_request(CLAIMS, 0, 0, 10, 9),
    "chunks": CHUNKED,
    "HTTP/2": http2_request(CLAIMS),
}
ON_THE_OPERATORS_DOOR = {
    "a line of 21,000": unfinished_request(LOGIN, 21_000, 0, 12_000, 11_900),
    "every limit": unfinished_request(LOGIN, 1_900, 15_000, 12_288, 12_287),
    "chunks": request_head(LOGIN, "Transfer-Encoding: chunked") + b"5\r\n{",
    "HTTP/2": http2_request(LOGIN),
}


@pytest.mark.parametrize("sent", ON_THE_USERS_DOOR.values(), ids=ON_THE_USERS_DOOR)
def test_an_unfinished_request_takes_no_thread_of_the_users_door(
    served_site: Served, sent: bytes
) -> None:
    with hold_connections(served_site.port, sent, SEVERAL):
        assert [post_claim(served_site.port, f"user-{n}", patience_s=30)[0] for n in range(8)] == [
            202
        ] * 8


@pytest.mark.parametrize("sent", ON_THE_OPERATORS_DOOR.values(), ids=ON_THE_OPERATORS_DOOR)
def test_an_unfinished_request_takes_no_thread_of_the_operators_door(
    operators_inner: int, tmp_path: Path, sent: bytes
) -> None:
    with (
        front_of_operators(operators_inner, tmp_path, request_s=60) as served,
        hold_connections(served.port, sent, SEVERAL),
    ):
        assert [status_of(served.port, LOGIN) for _ in range(4)] == [200] * 4


# What reaches the server behind the front


@contextmanager
def front_with_listener(
    folder: Path, *, body_bytes: int = 4096
) -> Iterator[tuple[int, socket.socket]]:
    """The port of a front, and the listener behind it, which receives all that is passed on."""
    with socket.create_server(("127.0.0.1", 0)) as behind:
        behind.settimeout(5)
        port = servers.free_port()
        door = FrontDoor("door", port, behind.getsockname()[1], body_bytes=body_bytes)
        with start_front(folder / "front", [door], request_s=1):
            yield port, behind


def was_passed_on(behind: socket.socket) -> bool:
    behind.setblocking(False)
    try:
        behind.accept()[0].close()
    except BlockingIOError:
        return False
    return True


LINES = (0, 1_900, 8_000, 12_500, 16_000, 28_000)
HEADERS = (0, 8_000, 15_000, 16_500)


@pytest.mark.parametrize("body_bytes", [4096, 12_288])
def test_no_unfinished_request_of_any_size_is_passed_on(tmp_path: Path, body_bytes: int) -> None:
    bodies = [(10, 9), *((body_bytes, body_bytes - missing) for missing in (1, 200, 4000))]
    requests = [
        unfinished_request("/x", line, headers, *body)
        for line, headers, body in itertools.product(LINES, HEADERS, bodies)
    ]
    with front_with_listener(tmp_path, body_bytes=body_bytes) as (port, behind):
        with ThreadPoolExecutor(len(requests)) as askers:
            for reply in askers.map(partial(send_bytes, port), requests):
                assert reply.startswith(b"HTTP/1.1 4"), reply[:80]
        assert not was_passed_on(behind)


def test_a_request_at_every_limit_is_passed_on_when_its_last_byte_is_here(tmp_path: Path) -> None:
    sent = unfinished_request("/x", 1_900, 16_000, 12_288, 12_287)
    with (
        front_with_listener(tmp_path, body_bytes=12_288) as (port, behind),
        hold_connections(port, sent, 1) as (connection,),
    ):
        assert not was_passed_on(behind)
        connection.sendall(b"}")
        behind.settimeout(5)
        behind.accept()[0].close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (unfinished_request("/x", 2_100, 0, 10, 10), 414),
        (unfinished_request("/x", 28_000, 0, 4096, 3900), 414),
        (request_head("http://a/" + "x" * 2_100, method="GET"), 414),
        (unfinished_request("/x", 0, 17_000, 10, 10), 431),
        (CHUNKED, 411),
        (request_head("/x", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 411),
        (request_head("/x", "Transfer-Encoding: Chunked", "Content-Length: 5") + b"0\r\n\r\n", 411),
        (request_head("/x", "Transfer-Encoding: chunked", method="GET"), 411),
        (unfinished_request("/x", 0, 0, 4097, 10), 413),
    ],
)
def test_what_is_refused_for_its_size_or_frame_is_a_problem_document(
    tmp_path: Path, sent: bytes, status: int
) -> None:
    with front_with_listener(tmp_path) as (port, behind):
        answer, _, body = send_bytes(port, sent, patience_s=30).partition(b"\r\n\r\n")
        assert not was_passed_on(behind)
    assert answer.startswith(b"HTTP/1.1 %d" % status), answer
    assert b"application/problem+json" in answer
    assert orjson.loads(body) == problem_documents()[status]


def test_chunks_are_refused_as_the_api_refuses_them() -> None:
    document = problem_documents()[411]
    assert (document["code"], document["title"]) == (LengthRequired.code, LengthRequired.title)


def test_a_preface_of_http2_is_no_request(tmp_path: Path) -> None:
    with front_with_listener(tmp_path) as (port, behind):
        reply = send_bytes(port, http2_request("/x"), patience_s=30)
        assert not was_passed_on(behind)
    assert reply.startswith(b"HTTP/1.1 4")


LIMITS = (r"tune\.bufsize", r"tune\.maxrewrite", "url,length gt", "hdrs,length gt")


@pytest.mark.parametrize("body_bytes", [0, 4096, 12_288, 100_000])
def test_the_buffer_holds_a_request_at_every_limit(tmp_path: Path, body_bytes: int) -> None:
    """Of 64 headers, each has four bytes more in HAProxy's own form (a block of eight, in place of
    `: ` and the end of its line), and four blocks and its head come on top."""
    doors = [FrontDoor("small", 1, 2), FrontDoor("large", 3, 4, body_bytes=body_bytes)]
    written = write_configuration(tmp_path, doors, metrics=5).read_text()
    buffer, rewriting, line, headers = (
        int(found[1])
        for found in (re.search(rf"{name} (\d+)", written) for name in LIMITS)
        if found
    )
    assert buffer - rewriting >= line + headers + max(4096, body_bytes) + 4 * 64 + 200
