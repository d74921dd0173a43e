"""Abusive clients at a host's front get no thread of ours, and are rate limited."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from coupons.api.v1 import urls
from tests.config.fronted import (
    THREADS,
    Environment,
    Served,
    front_of_operators,
    front_of_unavailable,
    front_of_users,
    post_claim,
    send_bytes,
    slow_bodies,
    status_of,
    users_server,
)
from tests.harness import servers
from tests.harness.front import FrontDoor, start_front

# Every path of the users' door, and paths that are like one.
KNOWN_PATHS = [
    "/api/v1/" + str(route.pattern).replace("<str:slug>", "%EC%BF%A0").replace("<str:code>", "K-2")
    for route in urls.urlpatterns
]
UNKNOWN_PATHS = [
    "/", "/api", "/api/", "/api/zz", "/api/v1/", "/api/v1/zz", "/api/v2/campaigns/sale",
    "/api/v1/campaigns/", "/api/v1/campaigns/sale/", "/api/v1/campaigns/sale/zz",
    "/api/v1/campaigns/sale/claims/mine", "/api/v1/campaigns/sale%2Fzz", "/api/v1/couponszz",
    "/api/v1/coupons/a/b", "/api/v1/receipts", "/zz/api/v1/coupons", "/api/v1/schema",
]  # fmt: skip

pytestmark = pytest.mark.slow


def test_unfinished_bodies_delay_no_other_request(served_site: Served) -> None:
    with slow_bodies(served_site.port, 64):
        assert [post_claim(served_site.port, f"user-{n}", patience_s=30)[0] for n in range(20)] == [
            202
        ] * 20


@pytest.mark.usefixtures("open_sale")
def test_without_the_front_unfinished_bodies_take_every_thread(
    child_environment: Environment, tmp_path: Path
) -> None:
    """The negative control."""
    with (
        users_server(child_environment, tmp_path) as inner,
        slow_bodies(inner, 64),
        pytest.raises(TimeoutError),
    ):
        post_claim(inner, "mina", patience_s=2)


def test_a_request_that_does_not_arrive_is_told_408(users_inner: int, tmp_path: Path) -> None:
    sent = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{"
    with front_of_users(users_inner, tmp_path, request_s=1) as served:
        reply = send_bytes(served.port, sent)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert orjson.loads(body)["code"] == "request_timeout"


def test_a_client_that_guesses_passwords_quickly_is_rate_limited(
    operators_inner: int, tmp_path: Path
) -> None:
    with front_of_operators(operators_inner, tmp_path, most_logins=3, held_s=1) as served:
        answers = [status_of(served.port, "/admin/login/", "POST") for _ in range(5)]
        assert answers[:3] == [403, 403, 403]  # Django's own: no token of its form
        assert answers[3:] == [429, 429]
        assert status_of(served.port, "/%61dmin/log%69n/", "POST") == 429
        assert status_of(served.port, "/admin/login/") == 200
        assert status_of(served.port, "/livez") == 200


def test_readiness_is_answered_while_every_other_thread_is_taken(
    operators_inner: int, tmp_path: Path
) -> None:
    with (
        front_of_operators(operators_inner, tmp_path, shed_after_ms=300) as served,
        # Directly at the door, as many as the front would let through.
        slow_bodies(served.inner, THREADS - 1, path="/admin/login/"),
    ):
        assert [status_of(served.port, "/readyz") for _ in range(5)] == [200] * 5


def test_unknown_paths_cost_the_users_door_no_thread(tmp_path: Path) -> None:
    with front_of_unavailable(tmp_path) as port:
        assert status_of(port, "/admin/login/", "POST") == 404
        for path in UNKNOWN_PATHS:
            assert status_of(port, path) == 404
        for path in (*KNOWN_PATHS, "/%61pi/v1/campaigns/sale", "/api/v1/coupons?limit=5"):
            assert status_of(port, path) == 503


def test_a_client_that_keeps_requesting_unknown_paths_is_refused(tmp_path: Path) -> None:
    """Logins and questions for readiness, too: no other address is, and no claim."""
    limits: dict[str, Any] = {"most_strays": 3, "held_s": 1, "balancers": ["127.0.0.0/8"]}
    with front_of_unavailable(tmp_path, **limits) as port:
        strays = ["/admin/login/", "/readyz", "/api/zz", "/favicon.ico", "/%61pi/"]
        assert [status_of(port, path, "POST") for path in strays] == [404, 404, 404, 429, 429]
        assert status_of(port, "/", says={"X-Forwarded-For": "198.51.100.9"}) == 404
        network = [f"2001:db8:1:2::{host:x}" for host in range(1, 6)]
        statuses = [status_of(port, "/", says={"X-Forwarded-For": each}) for each in network]
        assert statuses == [404, 404, 404, 429, 429], "of one network"
        assert status_of(port, "/", says={"X-Forwarded-For": "2001:db8:1:3::1"}) == 404
        assert status_of(port, "/", says={"X-Forwarded-For": "unknown"}) == 429, "by connection"
        assert status_of(port, "/api/v1/campaigns/sale") == 503


@pytest.mark.parametrize("path", ["/admin/login/", "/api/v1/campaigns/sale"])
def test_13_2_a_client_that_asks_too_often_is_delayed_while_there_is_room(
    tmp_path: Path, path: str
) -> None:
    """Else it could use up HAProxy's processor. Its delayed requests take a quarter of the
    connections at most: beyond that it is refused without delay."""
    limits: dict[str, Any] = {
        "most_strays": 0,
        "most_anonymous": 0,
        "held_s": 60,
        "crowded_connections": 40,
    }
    with (
        front_of_unavailable(tmp_path, connections=40, **limits) as port,
        ExitStack() as opened,
    ):
        delayed = [
            opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(9)
        ]
        for connection in delayed:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        readable, _, _ = select.select(delayed, [], [], 1)
        assert readable == [], "not refused yet"
        assert status_of(port, path) == 429, "the tenth, at once"


def test_13_4_one_address_may_not_ask_often_without_a_token(tmp_path: Path) -> None:
    """In any spelling, for whatever the users' door has; what is no token counts as none, and a
    campaign's page needs none. With a token there is no limit."""
    settings: dict[str, Any] = {"held_s": 1, "balancers": ["127.0.0.0/8"]}
    page, coupons = "/api/v1/campaigns/sale", "/api/v1/coupons"
    token = {"Authorization": "Bearer a-b.c_d.e"}
    kinds = [
        ([page, "/api/v1/%63ampaigns/a", "/api/v1/receipts/verify"], {}),
        ([page], token),
        *(
            ([coupons], {"Authorization": value})
            for value in ("", "x", "Bearer", "Bearer a.b", "Basic a.b.c", "Bearer a.b.c.d")
        ),
    ]
    with front_of_unavailable(tmp_path, most_anonymous=3, **settings) as port:
        for number, (paths, headers) in enumerate(kinds):
            says = {"X-Forwarded-For": f"198.51.100.{number}", **headers}
            statuses = [status_of(port, path, says=says) for path in (paths * 4)[:4]]
            assert statuses == [503] * 3 + [429], (paths, headers)
            assert [status_of(port, f"{page}/claims", "POST", says | token) for _ in range(6)] == [
                503
            ] * 6


def test_13_a_thousand_users_of_one_address_pass_the_front(tmp_path: Path) -> None:
    """With a token of one's own no limit by address refuses anybody; guesses without one are."""
    path, says = "/api/v1/campaigns/sale/claims", {"X-Forwarded-For": "198.51.100.7"}
    with front_of_unavailable(tmp_path, balancers=["127.0.0.0/8"], most_anonymous=5) as port:
        statuses = {
            status_of(port, path, "POST", says | {"Authorization": f"Bearer a.user-{number}.c"})
            for number in range(1000)
        }
        assert statuses == {503}, "of the door behind, which is not there"
        anonymous = [status_of(port, "/api/v1/coupons", says=says) for _ in range(8)]
        assert anonymous[-1] == 429


def test_13_4_a_limit_slows_down_and_locks_nobody_out(tmp_path: Path) -> None:
    """Refused requests don't count: a client that continues gets through at the limit's rate."""
    limits: dict[str, Any] = {"most_anonymous": 5, "crowded_connections": 4}
    statuses = []
    with front_of_unavailable(tmp_path, connections=4, **limits) as port:
        until = time.monotonic() + 25
        while time.monotonic() < until:
            statuses.append(status_of(port, "/api/v1/campaigns/sale"))
            time.sleep(0.1)
    assert statuses[:6] == [503] * 5 + [429]
    assert statuses[len(statuses) // 2 :].count(503) >= 4


def test_13_4_a_429_says_when_to_try_again(tmp_path: Path) -> None:
    with front_of_unavailable(tmp_path, most_anonymous=0, held_s=1) as port:
        reply = send_bytes(port, b"GET /api/v1/coupons HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nretry-after: 5\r\n" in reply.lower()


REFUSED = {
    411: b"POST /api/v1/coupons HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
    414: b"GET /api/v1/coupons?" + b"a" * 3_000 + b" HTTP/1.1\r\n",
    413: b"POST /api/v1/coupons HTTP/1.1\r\nContent-Length: 9000\r\n",
    431: b"GET /api/v1/coupons HTTP/1.1\r\nA: " + b"a" * 17_000 + b"\r\n",
    400: b"geT /api/v1/coupons HTTP/1.1\r\n",
    404: b"GET /api/v1/coupons%0a HTTP/1.1\r\n",
}


@pytest.mark.parametrize("status", REFUSED)
def test_13_4_every_refusal_counts(tmp_path: Path, status: int) -> None:
    request = REFUSED[status] + b"Host: localhost\r\nConnection: close\r\n\r\n"
    with front_of_unavailable(tmp_path, most_strays=2, held_s=1) as port:
        statuses = [int(send_bytes(port, request).split(b" ", 2)[1]) for _ in range(4)]
    assert statuses == [status, status, 429, 429]


def test_13_4_idle_connections_of_a_client_do_not_end_its_delays(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"most_strays": 0, "held_s": 60, "crowded_connections": 10}
    with (
        front_of_unavailable(tmp_path, connections=80, **limits) as port,
        ExitStack() as opened,
    ):
        connections = [
            opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(20)
        ]
        connections[0].sendall(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert select.select(connections[:1], [], [], 1)[0] == []


def test_13_4_one_address_may_not_ask_often_for_pages_of_operators(tmp_path: Path) -> None:
    with front_of_unavailable(tmp_path, "operators", most_pages=3, held_s=1) as port:
        paths = ["/readyz", "/admin/login/", "/api/v1/schema", "/admin/", "/static/a.css"]
        assert [status_of(port, path) for path in paths] == [503] * 4 + [429]
        assert status_of(port, "/readyz") == 503


# Spellings


LIMITED = [
    "POST /admin/login/", "POST /admin/login/?next=/admin/", "POST /%61dmin/login/",
    "POST http://localhost/admin/login/", "POST http://localhost/admin/log%69n/?a",
    "POST /admin/login%2F", "GET /readyz", "GET /%72eadyz", "GET /metrics", "GET /%6detrics",
    "GET /%6d%65tric%73?a=/", "GET /livez?", "HEAD /l%69vez", "POST /readyz", "PUT /%72eadyz",
    "GET http://localhost/%72eadyz",
]  # fmt: skip


def status_of_request(port: int, line: str) -> int:
    reply = send_bytes(
        port, f"{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    return int(reply.split(b" ", 2)[1])


@pytest.mark.parametrize("line", LIMITED)
def test_logins_and_probes_are_limited_in_every_spelling(tmp_path: Path, line: str) -> None:
    limits: dict[str, Any] = {"most_logins": 2, "most_probes": 2, "held_s": 1}
    with front_of_unavailable(tmp_path, "operators", **limits) as port:
        assert [status_of_request(port, line) for _ in range(4)] == [503, 503, 429, 429]


@pytest.fixture(scope="module", params=[False, True], ids=["users", "operators"])
def deserted_front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a front behind which no server listens, without and with probes."""
    port = servers.free_port()
    door = FrontDoor("door", port, servers.free_port(), probes=request.param)
    with start_front(tmp_path_factory.mktemp("front"), [door]):
        yield port


@pytest.mark.parametrize(
    "method", ["post", "Post", "POSt", "get", "head", "options", "pOST", "P0ST", "PO-ST", "A" * 21]
)
def test_a_method_that_is_not_in_upper_case_letters_is_refused(
    deserted_front: int, method: str
) -> None:
    for path in ("/admin/login/", "/readyz", "/api/v1/campaigns/sale/claims"):
        assert status_of_request(deserted_front, f"{method} {path}") == 400
    assert status_of_request(deserted_front, "PURGE /x") == 503


def test_an_address_with_a_fragment_is_no_spelling_of_another(tmp_path: Path) -> None:
    with front_of_unavailable(tmp_path, "operators") as port:
        assert status_of_request(port, "POST /admin/login/#a") == 400
