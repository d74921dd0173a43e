"""The modes of the misbehaving proxy, each seen by a client and a server that echoes."""

import socket
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.config.waiting import wait_until
from tests.harness.proxy import ProxyRoute, start_proxy

SILENCE_S = 0.3


class Echo(socketserver.BaseRequestHandler):
    """Replies with the port of the server and what it got."""

    def handle(self) -> None:
        while received := self.request.recv(100):
            self.request.sendall(b"%d:%s" % (self.request.getsockname()[1], received))


@contextmanager
def echo_server() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@pytest.fixture
def server() -> Iterator[int]:
    with echo_server() as port:
        yield port


@pytest.fixture
def route(server: int, tmp_path: Path) -> Iterator[ProxyRoute]:
    with start_proxy({"echo": server}, tmp_path / "log") as routes:
        yield routes["echo"]


def connect_to(route: ProxyRoute) -> socket.socket:
    return socket.create_connection(("127.0.0.1", route.port), timeout=60)


def is_refused(route: ProxyRoute) -> bool:
    """Whether a new connection is reset: during its connect, if this process is slow, or later."""
    try:
        with connect_to(route) as client:
            return is_ended(client)
    except ConnectionError:
        return True


def ask_echo(client: socket.socket, text: bytes = b"hello") -> bytes:
    """The reply, or b"" if the connection ended. Raises TimeoutError."""
    client.sendall(text)
    return client.recv(100)


def is_silent(client: socket.socket) -> bool:
    client.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        ask_echo(client)
    return True


def is_ended(client: socket.socket) -> bool:
    try:
        return ask_echo(client) == b""
    except ConnectionError:
        return True


def test_it_forwards_and_counts_what_clients_send(route: ProxyRoute, server: int) -> None:
    with connect_to(route) as client:
        assert ask_echo(client, b"abc") == b"%d:abc" % server
        assert route.count_bytes() == 3


def test_reset_ends_open_connections_only(route: ProxyRoute) -> None:
    with connect_to(route) as client:
        ask_echo(client)
        route.switch_to("reset")
        assert is_ended(client)
    with connect_to(route) as client:
        assert ask_echo(client)


def test_refuse_ends_open_and_new_connections(route: ProxyRoute) -> None:
    with connect_to(route) as client:
        ask_echo(client)
        route.switch_to("refuse")
        assert is_ended(client)
    assert is_refused(route)
    route.switch_to("pass")
    with connect_to(route) as client:
        assert ask_echo(client)


def test_half_open_silences_open_connections_only(route: ProxyRoute) -> None:
    with connect_to(route) as client:
        ask_echo(client)
        route.switch_to("half-open")
        with connect_to(route) as new:
            assert ask_echo(new)
        route.switch_to("pass")
        assert is_silent(client), "what was lost stays lost"


def test_hole_silences_open_and_new_connections_and_still_counts(route: ProxyRoute) -> None:
    with connect_to(route) as client:
        ask_echo(client)
        route.switch_to("hole")
        before = route.count_bytes()
        with connect_to(route) as new:
            assert is_silent(client) and is_silent(new)
            wait_until(lambda: route.count_bytes() == before + 2 * len(b"hello"))
            route.switch_to("pass")
            assert is_silent(new)
    with connect_to(route) as client:
        assert ask_echo(client)


def test_mute_forwards_what_clients_send_and_swallows_the_answers(route: ProxyRoute) -> None:
    with connect_to(route) as client:
        ask_echo(client)
        route.switch_to("mute")
        before = route.count_bytes()
        with connect_to(route) as new:
            assert is_silent(client) and is_silent(new)
            wait_until(lambda: route.count_bytes() == before + 2 * len(b"hello"))
    route.switch_to("pass")
    with connect_to(route) as client:
        assert ask_echo(client)


def test_delay_holds_up_both_directions(route: ProxyRoute) -> None:
    with connect_to(route) as client:
        route.switch_to("delay", 0.2)
        began = time.monotonic()
        assert ask_echo(client)
        assert time.monotonic() - began >= 0.4


def test_target_moves_new_connections(route: ProxyRoute, server: int) -> None:
    with echo_server() as other, connect_to(route) as client:
        ask_echo(client)
        route.switch_to("target", other)
        assert ask_echo(client) == b"%d:hello" % server
        with connect_to(route) as new:
            assert ask_echo(new) == b"%d:hello" % other


def test_a_proxy_that_has_ended_is_noticed(server: int, tmp_path: Path) -> None:
    with (
        start_proxy({"echo": server}, tmp_path / "log") as routes,
        pytest.raises(RuntimeError, match="has ended"),
    ):
        routes["echo"].switch_to("target", "nowhere")
