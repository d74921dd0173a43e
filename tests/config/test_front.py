"""The front: HAProxy by the role's own template, before a real users' door with four threads."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from coupons import tokens
from coupons.api import languages, problems
from tests import servers, services
from tests.config.waiting import until
from tests.conftest import CampaignMaker
from tests.front import ROLE, FrontDoor, configure, front, problem_documents

Environment = dict[str, str]
THREADS = 4
CONNECTIONS = 7000  # as in a container
CLAIMS = "/api/v1/campaigns/sale/claims"
pytestmark = pytest.mark.usefixtures("sale")


@pytest.fixture
def sale(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1_000)


@dataclass(frozen=True, slots=True)
class Served:
    """Where people ask, and the users' door itself behind it."""

    port: int
    inner: int


@contextmanager
def serving(environment: Environment, folder: Path, **settings: Any) -> Iterator[Served]:
    told = environment | {"DOOR": "users", "SHED_AFTER_S": "0"}
    with ExitStack() as stack:
        threads = ("--blocking-threads", str(THREADS), "--backpressure", "1024")
        inner = stack.enter_context(services.web(told, folder, *threads))
        served = Served(servers.free_port(), inner)
        door = FrontDoor("users", served.port, inner, at_once=THREADS)
        stack.enter_context(front(folder / "front", [door], **settings))
        yield served


@pytest.fixture
def served(child_environment: Environment, tmp_path: Path) -> Iterator[Served]:
    with serving(child_environment, tmp_path) as ours:
        yield ours


def claim(port: int, user: str, *, patience_s: float = 10, **headers: str) -> tuple[int, Any]:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)
    try:
        asking.request(
            "POST", CLAIMS, headers={"Authorization": f"Bearer {tokens.mint(user)}", **headers}
        )
        answer = asking.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        asking.close()


def raw(port: int, said: bytes, *, patience_s: float = 10) -> bytes:
    """What comes back for these bytes, until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
        connection.sendall(said)
        heard = b""
        try:
            while more := connection.recv(65_536):
                heard += more
        except TimeoutError:
            pass
        return heard


# A stranger gets no thread


@contextmanager
def slow_bodies(port: int, many: int, path: str = CLAIMS) -> Iterator[None]:
    """So many requests that announce a body and send one byte of it."""
    form = "application/json" if path == CLAIMS else "application/x-www-form-urlencoded"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form}\r\n"
        f"Cookie: csrftoken={'a' * 32}\r\nAuthorization: Bearer {tokens.mint('slow')}\r\n"
        "Content-Length: 1000\r\n\r\n{"
    )
    with ExitStack() as stack:
        for _ in range(many):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            one.sendall(head.encode())
        time.sleep(0.3)
        yield


def test_bodies_that_do_not_come_keep_nobody_waiting(served: Served) -> None:
    with slow_bodies(served.port, 64):
        assert [claim(served.port, f"user-{n}", patience_s=2)[0] for n in range(20)] == [202] * 20


def test_without_the_front_they_take_every_thread(served: Served) -> None:
    """The control."""
    with slow_bodies(served.inner, 64), pytest.raises(TimeoutError):
        claim(served.inner, "mina", patience_s=2)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{",
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_request_that_does_not_arrive_is_told_408(
    child_environment: Environment, tmp_path: Path, sent: bytes
) -> None:
    with serving(child_environment, tmp_path, request_s=1) as served:
        heard = raw(served.port, sent)
    head, _, body = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert orjson.loads(body)["code"] == "request_timeout"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /x HTTP/1.1\r\nHost: a\r\n", 408),
        (b"GET", 408),
        (b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"X-Y: z\r\n" * 80 + b"\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /x\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"\x00\x01\x02\r\n\r\n", 400),
    ],
)
def test_what_is_no_http_gets_no_further(
    child_environment: Environment, tmp_path: Path, sent: bytes, status: int
) -> None:
    """HAProxy answers these before it knows of any configuration, in its own words."""
    with seen_through(tmp_path, request_s=1) as port:
        assert raw(port, sent, patience_s=5).startswith(b"HTTP/1.1 %d" % status)


# Limits


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, 413,
         "body_too_large"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413,
         "body_too_large"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400\r\n"
         + b"x" * 0x1400 + b"\r\n0\r\n\r\n", 413, "body_too_large"),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431,
         "headers_too_large"),
    ],
)  # fmt: skip
def test_what_is_too_large_is_a_problem_document(
    served: Served, sent: bytes, status: int, code: str
) -> None:
    head, _, body = raw(served.port, sent, patience_s=3).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), head
    assert b"application/problem+json" in head
    assert orjson.loads(body)["code"] == code


# Whom we are asked by


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
    """A front before a server that tells which headers it was sent."""
    inner, port = servers.free_port(), servers.free_port()
    command = [sys.executable, "-c", HEADERS_SEEN, str(inner)]
    with (
        servers.process(command, ready=lambda: servers.listens(inner), log=folder / "seen.log"),
        front(folder / "front", [FrontDoor("door", port, inner, probes=probes)], **settings),
    ):
        yield port


FORGED = {
    "X-Forwarded-For": "10.0.0.1, 198.51.100.9", "X-Forwarded-Proto": "https",
    "X_Forwarded_For": "10.0.0.2", "X_Anything": "y", "Forwarded": "for=10.0.0.3",
    "X-Real-IP": "10.0.0.4", "X-Forwarded-Host": "evil.example", "Proxy": "http://evil.example",
}  # fmt: skip


def headers_behind(port: int) -> dict[str, str]:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asking.request("GET", "/", headers=FORGED)
    seen: dict[str, str] = json.loads(asking.getresponse().read())
    asking.close()
    return seen


def test_what_a_client_says_of_its_address_is_dropped(tmp_path: Path) -> None:
    with seen_through(tmp_path) as port:
        seen = headers_behind(port)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert not [name for name in seen if "_" in name]
    assert not seen.keys() & {"forwarded", "x-real-ip", "x-forwarded-host", "proxy"}


def test_a_balancer_is_believed_for_the_last_address_it_added(tmp_path: Path) -> None:
    with seen_through(tmp_path, balancers=["127.0.0.0/8"]) as port:
        seen = headers_behind(port)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("198.51.100.9", "https")


def test_13_4_on_the_operators_door_nobody_is_believed_about_an_address(tmp_path: Path) -> None:
    """Whoever comes by the bastion could have passwords counted for any other address."""
    with seen_through(tmp_path, probes=True, balancers=["127.0.0.0/8"]) as port:
        seen = headers_behind(port)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")


# Too many at once


def test_who_would_wait_too_long_is_told_when_to_come_again(
    child_environment: Environment, tmp_path: Path
) -> None:
    """All threads are taken, from behind the front; nobody is served until they are let go."""
    with (
        serving(child_environment, tmp_path, shed_after_ms=300) as served,
        slow_bodies(served.inner, 2 * THREADS),
    ):
        answers: list[tuple[int, Any]] = []

        def ask(user: str) -> None:
            with suppress(TimeoutError):  # those that granian has got: it has no thread for them
                answers.append(claim(served.port, user, patience_s=4))

        asked = [Thread(target=ask, args=(f"user-{n}",)) for n in range(2 * THREADS)]
        for one in asked:
            one.start()
        until(lambda: len(answers) == THREADS)
        for one in asked:
            one.join()
    assert [status for status, _ in answers] == [503] * THREADS
    assert {body["code"] for _, body in answers} == {"overloaded"}


def test_its_refusal_is_the_apis_own_document_in_each_language(
    child_environment: Environment, tmp_path: Path
) -> None:
    port = servers.free_port()
    door = FrontDoor("users", port, servers.free_port())  # where nobody listens
    with front(tmp_path / "front", [door]):
        for accepted in ("", "ko", "ko-KR,ko;q=0.9,en;q=0.8", "en, ko;q=0.5", "fr"):
            headers, body = _refused(port, accepted)
            ours = problems.encoded(503, "overloaded", TITLE, DETAIL)
            wanted, language = languages.translated(ours, accepted)
            assert json.loads(body) == json.loads(wanted), accepted
            assert headers["Content-Language"] == (language or "en")
            assert 2 <= int(headers["Retry-After"]) <= 6
            assert headers["Cache-Control"] == "no-store"


TITLE = "Too many requests at once"
DETAIL = "Nothing was decided. Please try again in a moment. Asking again is safe."


def _refused(port: int, accepted: str) -> tuple[http.client.HTTPMessage, bytes]:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asking.request("GET", "/api/v1/campaigns/sale", headers={"Accept-Language": accepted})
    answer = asking.getresponse()
    body = answer.read()
    asking.close()
    assert answer.status == 503
    return answer.headers, body


def test_its_other_documents_have_the_members_of_the_apis() -> None:
    documents = problem_documents()
    assert set(documents) == {400, 404, 408, 413, 429, 431, 502, 504}
    for status, said in documents.items():
        assert said == problems.document(
            status, said["code"], said["title"], said.get("detail", "")
        )


def test_the_configuration_is_what_haproxy_accepts_without_a_warning(tmp_path: Path) -> None:
    file = configure(tmp_path, [FrontDoor("users", 1, 2)], metrics=3, balancers=["10.0.0.0/8"])
    done = subprocess.run(
        ["haproxy", "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


# The operators' door


@contextmanager
def operators_served(environment: Environment, folder: Path, **settings: Any) -> Iterator[Served]:
    told = environment | {"DOOR": "operators"}
    with ExitStack() as stack:
        threads = ("--blocking-threads", str(THREADS))
        inner = stack.enter_context(services.web(told, folder, *threads, name="operators"))
        served = Served(servers.free_port(), inner)
        door = FrontDoor(
            "operators", served.port, inner, at_once=THREADS - 1, repeatable=False, probes=True
        )
        stack.enter_context(front(folder / "front", [door], probes_at_once=1, **settings))
        yield served


def status_of(
    port: int, path: str, method: str = "GET", says: Mapping[str, str] = MappingProxyType({})
) -> int:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        asking.request(method, path, headers=dict(says))
        return asking.getresponse().status
    finally:
        asking.close()


def test_whoever_guesses_passwords_quickly_is_held_and_reaches_nobody(
    child_environment: Environment, tmp_path: Path
) -> None:
    with operators_served(child_environment, tmp_path, most_logins=3, held_s=1) as served:
        answers = [status_of(served.port, "/admin/login/", "POST") for _ in range(5)]
        assert answers[:3] == [403, 403, 403]  # Django's own: no token of its form
        assert answers[3:] == [429, 429]
        assert status_of(served.port, "/%61dmin/log%69n/", "POST") == 429
        assert status_of(served.port, "/admin/login/") == 200
        assert status_of(served.port, "/livez") == 200


def test_readiness_is_answered_while_every_other_thread_is_taken(
    child_environment: Environment, tmp_path: Path
) -> None:
    with (
        operators_served(child_environment, tmp_path, shed_after_ms=300) as served,
        # From behind the front, as many as it would let through.
        slow_bodies(served.inner, THREADS - 1, path="/admin/login/"),
    ):
        assert [status_of(served.port, "/readyz") for _ in range(5)] == [200] * 5


def test_what_the_users_door_has_not_costs_it_no_thread(
    child_environment: Environment, tmp_path: Path
) -> None:
    port = servers.free_port()
    door = FrontDoor("users", port, servers.free_port(), paths="/api/")  # nobody listens there
    with front(tmp_path / "front", [door]):
        assert status_of(port, "/admin/login/", "POST") == 404
        assert status_of(port, "/%61pi/v1/campaigns/sale") == 404
        assert status_of(port, "/api/v1/campaigns/sale") == 503


def test_who_goes_on_asking_for_what_the_users_door_has_not_is_held(tmp_path: Path) -> None:
    """Logins and questions for readiness, too: no other address is, and no claim."""
    port = servers.free_port()
    door = FrontDoor("users", port, servers.free_port(), paths="/api/")
    with front(tmp_path / "front", [door], most_strays=3, held_s=1, balancers=["127.0.0.0/8"]):
        strays = ["/admin/login/", "/readyz", "/", "/favicon.ico", "/%61pi/"]
        assert [status_of(port, path, "POST") for path in strays] == [404, 404, 404, 429, 429]
        assert status_of(port, "/", says={"X-Forwarded-For": "198.51.100.9"}) == 404
        assert status_of(port, "/api/v1/campaigns/sale") == 503


def test_it_starts_with_the_open_files_that_its_unit_allows(tmp_path: Path) -> None:
    """The unit takes away what would let it ask for more."""
    ports = [servers.free_port() for _ in range(3)]
    door = FrontDoor("users", ports[0], ports[1])
    file = configure(tmp_path, [door], metrics=ports[2], connections=CONNECTIONS)
    limit = re.search(r"LimitNOFILE=\{\{ (.*) \}\}", (ROLE / "templates/unit.conf.j2").read_text())
    assert limit
    assert limit[1] == "front_connections | int * 2 + 1000"
    command = f"ulimit -n {2 * CONNECTIONS + 1000}; exec haproxy -db -f {file}"
    listens = partial(servers.listens, ports[2])
    with servers.process(["bash", "-c", command], ready=listens, log=tmp_path / "haproxy.log"):
        pass
