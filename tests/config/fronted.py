"""The doors of a host behind its front, HAProxy from the role's own template; four threads each."""

import http.client
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from coupons.identity import user_tokens
from tests.harness import servers, services
from tests.harness.front import API_PATHS, FrontDoor, haproxy_command, start_front

Environment = dict[str, str]
THREADS = 4
FOUR_THREADS = ("--blocking-threads", str(THREADS))
CLAIMS = "/api/v1/campaigns/sale/claims"


@dataclass(frozen=True, slots=True)
class Served:
    """The port of the front, and that of the users' door behind it."""

    port: int
    inner: int


@contextmanager
def users_server(environment: Environment, folder: Path) -> Iterator[int]:
    """The users' door without a front. Yields its port. It serves several tests, so it caches no
    campaign: the next test creates another one of the same name."""
    settings = environment | {"DOOR": "users", "SHED_AFTER_S": "0", "FACTS_TTL_S": "0"}
    with services.start_web(settings, folder, *FOUR_THREADS, "--backpressure", "1024") as port:
        yield port


@contextmanager
def operators_server(environment: Environment, folder: Path) -> Iterator[int]:
    """The operators' door without a front. Yields its port."""
    settings = environment | {"DOOR": "operators"}
    with services.start_web(settings, folder, *FOUR_THREADS, name="operators") as port:
        yield port


@contextmanager
def front_of_users(inner: int, folder: Path, **settings: Any) -> Iterator[Served]:
    """A front before the users' door at this port."""
    served = Served(servers.free_port(), inner)
    door = FrontDoor("users", served.port, inner, at_once=THREADS)
    with start_front(folder / "front", [door], **settings):
        yield served


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def send_request(
    port: int,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] = MappingProxyType({}),
    patience_s: float = 10,
) -> HttpAnswer:
    """One request on a connection of its own. Raises OSError."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)) as connection:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return HttpAnswer(answer.status, answer.headers, answer.read())


def status_of(
    port: int,
    path: str,
    method: str = "GET",
    says: Mapping[str, str] = MappingProxyType({}),
    patience_s: float = 10,
) -> int:
    return send_request(port, path, method, says, patience_s).status


def post_claim(port: int, user: str, *, patience_s: float = 10, **headers: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {user_tokens.mint_token(user)}", **headers}
    answer = send_request(port, CLAIMS, "POST", headers, patience_s)
    return answer.status, json.loads(answer.body)


def send_bytes(port: int, request: bytes, *, patience_s: float = 10) -> bytes:
    """Send the bytes; what comes back until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
        connection.sendall(request)
        reply = b""
        try:
            while more := connection.recv(65_536):
                reply += more
        except TimeoutError:
            pass
        return reply


@contextmanager
def slow_bodies(port: int, many: int, path: str = CLAIMS) -> Iterator[None]:
    """Hold so many requests that announce a body and send one byte of it."""
    form = "application/json" if path == CLAIMS else "application/x-www-form-urlencoded"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form}\r\n"
        f"Cookie: csrftoken={'a' * 32}\r\n"
        f"Authorization: Bearer {user_tokens.mint_token('slow')}\r\n"
        "Content-Length: 1000\r\n\r\n{"
    )
    with ExitStack() as stack:
        for _ in range(many):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            one.sendall(head.encode())
        time.sleep(0.3)
        yield


@contextmanager
def hold_connections(
    port: int, sent: bytes, many: int, *, source: str = "127.0.0.1", window: int = 0
) -> Iterator[list[socket.socket]]:
    """Hold so many connections from one address that send this, and then neither send nor read."""
    with ExitStack() as stack:
        connections = []
        for _ in range(many):
            one = stack.enter_context(socket.socket())
            one.settimeout(5)
            if window:  # bytes that the kernel buffers for us
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            one.bind((source, 0))
            with suppress(ConnectionError, TimeoutError):  # refused, or no more is taken in
                one.connect(("127.0.0.1", port))
                one.sendall(sent)
            connections.append(one)
        time.sleep(0.3)
        yield connections


@contextmanager
def front_of_operators(inner: int, folder: Path, **settings: Any) -> Iterator[Served]:
    """A front before the operators' door at this port: one thread each for pages, probes, metrics
    and files."""
    served = Served(servers.free_port(), inner)
    door = FrontDoor(
        "operators", served.port, inner, at_once=1, body_bytes=12_288,
        repeatable=False, probes=True, connections=400,
    )  # fmt: skip
    shares = {f"{name}_at_once": 1 for name in ("probes", "scrapes", "files")}
    with start_front(folder / "front", [door], **shares, **settings):
        yield served


@contextmanager
def front_without_server(
    folder: Path, name: str = "users", *, connections: int = 6500, **settings: Any
) -> Iterator[int]:
    """The port of a front behind which no server listens: what it passes on gets HAProxy's own
    503, after seconds of attempts to connect. The doors are those of `front_of_unavailable`."""
    door = _door_before(servers.free_port(), name, connections)
    with start_front(folder / "front", [door], **settings):
        yield door.port


@contextmanager
def front_of_unavailable(
    folder: Path, name: str = "users", *, connections: int = 6500, **settings: Any
) -> Iterator[int]:
    """The port of a front whose server answers everything that is passed on with 503, at once. The
    users' door knows the API's paths; every other door is the operators', with probes."""
    with scripted_server(folder, "http-request return status 503") as inner:
        door = _door_before(inner, name, connections)
        with start_front(folder / "front", [door], **settings):
            yield door.port


def _door_before(inner: int, name: str, connections: int) -> FrontDoor:
    is_public = name == "users"
    return FrontDoor(
        name, servers.free_port(), inner, connections=connections,
        paths=API_PATHS if is_public else "", probes=not is_public, cross_origin=is_public,
    )  # fmt: skip


@contextmanager
def scripted_server(folder: Path, *rules: str) -> Iterator[int]:
    """The port of a server that answers by these rules of HAProxy, at once."""
    port = servers.free_port()
    configuration = folder / "scripted.cfg"
    configuration.write_text(SCRIPTED.format(port=port, rules="\n  ".join(rules)))
    with servers.start_process(
        haproxy_command(configuration),
        ready=lambda: servers.is_listening(port),
        log=folder / "scripted.log",
    ):
        yield port


SCRIPTED = """
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend scripted
  bind 127.0.0.1:{port}
  {rules}
"""


HEADERS_SEEN = """
from http.server import BaseHTTPRequestHandler, HTTPServer
import json, sys
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def seen_through(folder: Path, *, probes: bool = False, **settings: Any) -> Iterator[int]:
    """The port of a front whose server answers with the headers that it received."""
    inner, port = servers.free_port(), servers.free_port()
    command = [sys.executable, "-c", HEADERS_SEEN, str(inner)]
    with (
        servers.start_process(
            command, ready=lambda: servers.is_listening(inner), log=folder / "seen.log"
        ),
        start_front(folder / "front", [FrontDoor("door", port, inner, probes=probes)], **settings),
    ):
        yield port
