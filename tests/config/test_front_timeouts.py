"""An idle kept connection lives for front_idle_s, an unfinished request for front_request_s."""

import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.fronted import seen_through

pytestmark = pytest.mark.slow


def is_closed_by_peer(connection: socket.socket, *, patience_s: float = 15) -> bool:
    """Whether the other side closes the connection in time."""
    connection.settimeout(patience_s)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def ends_while_fed(connection: socket.socket, portion: bytes, *, patience_s: float = 15) -> bool:
    """Whether it closes a connection on which a few bytes arrive five times a second."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            connection.sendall(portion)
        except ConnectionError:
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def front_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with seen_through(tmp_path_factory.mktemp("front"), request_s=1, idle_s=60) as port:
        yield port


@pytest.fixture
def kept_connection(front_port: int) -> Iterator[socket.socket]:
    """A keep-alive connection on which one request was answered."""
    with connect_to(front_port) as connection:
        complete_request(connection)
        yield connection


@pytest.fixture
def fresh_connection(front_port: int) -> Iterator[socket.socket]:
    with connect_to(front_port) as connection:
        yield connection


def connect_to(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def complete_request(connection: socket.socket) -> None:
    connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert answer.status == 200
    answer.read()


def test_an_idle_kept_connection_outlives_the_time_for_a_request(
    kept_connection: socket.socket,
) -> None:
    time.sleep(3)
    complete_request(kept_connection)
    time.sleep(3)
    complete_request(kept_connection)


def test_an_idle_kept_connection_ends_after_its_own_time(tmp_path: Path) -> None:
    with seen_through(tmp_path, request_s=1, idle_s=3) as port, connect_to(port) as connection:
        complete_request(connection)
        assert is_closed_by_peer(connection)


def test_a_new_connection_on_which_nothing_comes_ends(fresh_connection: socket.socket) -> None:
    assert is_closed_by_peer(fresh_connection)


UNFINISHED = {
    "a byte": b"G",
    "headers": b"GET /x HTTP/1.1\r\nHost: a\r\n",
    "a body": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
    "no body": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
}
SLOW = {
    "empty lines": (b"", b"\r\n"),
    "a line": (b"GET /", b"x"),
    "headers": (b"GET /x HTTP/1.1\r\nHost: a\r\nX-Y: ", b"x"),
    "a body": (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b"{"),
}


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_request_ends_a_new_connection(
    fresh_connection: socket.socket, sent: bytes
) -> None:
    fresh_connection.sendall(sent)
    assert is_closed_by_peer(fresh_connection)


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_request_ends_a_kept_connection(
    kept_connection: socket.socket, sent: bytes
) -> None:
    kept_connection.sendall(sent)
    assert is_closed_by_peer(kept_connection)


@pytest.mark.parametrize(("first", "portion"), SLOW.values(), ids=SLOW)
def test_a_slow_request_ends_a_new_connection(
    fresh_connection: socket.socket, first: bytes, portion: bytes
) -> None:
    fresh_connection.sendall(first)
    assert ends_while_fed(fresh_connection, portion)


@pytest.mark.parametrize(("first", "portion"), SLOW.values(), ids=SLOW)
def test_a_slow_request_ends_a_kept_connection(
    kept_connection: socket.socket, first: bytes, portion: bytes
) -> None:
    kept_connection.sendall(first)
    assert ends_while_fed(kept_connection, portion)
