"""Event pages behind the front: one origin with the API, threads of their own, and answers that it
keeps for everybody."""

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from config.containers import render
from tests.config.fronted import CLAIMS, HttpAnswer, seen_through, send_request, status_of
from tests.conftest import CampaignMaker
from tests.harness import servers, services
from tests.harness.front import (
    API_PATHS,
    SHARED_PATHS,
    FrontDoor,
    pages_behind,
    start_front,
)

LIVE = "/api/v1/campaigns/sale/live"
FORM = "/events/sale/claim"
STYLE, SCRIPT = "/static/pages/front/overloaded.css", "/static/pages/front/overloaded.js"
EVERYBODY = "public, max-age=60"

pytestmark = pytest.mark.slow


class Inner(ThreadingHTTPServer):
    """Counts requests by path. It answers 200 with this Cache-Control; to paths in `hanging` not
    before `over`."""

    def __init__(self, kept: str = "no-store", hanging: tuple[str, ...] = ()) -> None:
        self.over, self.asked = threading.Event(), dict[str, int]()
        self.kept, self.hanging = kept, hanging
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Inner

    def do_GET(self) -> None:
        asked = self.server.asked
        asked[self.path] = asked.get(self.path, 0) + 1
        if self.path in self.server.hanging:
            self.server.over.wait()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("Cache-Control", self.server.kept)
        self.send_header("X-Request-Id", "somebody")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(inner: Inner) -> Iterator[Inner]:
    serving = threading.Thread(target=inner.serve_forever)
    serving.start()
    try:
        yield inner
    finally:
        inner.over.set()
        inner.shutdown()
        serving.join()
        inner.server_close()


@contextmanager
def front_of(
    folder: Path, users: Inner, pages: Inner, *, shared: str = SHARED_PATHS, **settings: Any
) -> Iterator[int]:
    """The port of a front with four threads of users and four of pages."""
    door = FrontDoor(
        "users", servers.free_port(), users.server_port, at_once=4, paths=API_PATHS,
        shared=shared, pages=pages_behind(pages.server_port),
    )  # fmt: skip
    with start_front(folder / "front", [door], **settings):
        yield door.port


@contextmanager
def waiting_loads(port: int, path: str = "/events/sale") -> Iterator[None]:
    """Forty loads of a page, of which none is answered."""
    with ExitStack() as stack:
        for _ in range(40):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield


def wait_for(inner: Inner, path: str, times: int) -> None:
    while inner.asked.get(path, 0) < times:
        threading.Event().wait(0.02)


@pytest.mark.django_db(transaction=True)
def test_page_and_api_share_an_origin(
    open_campaign: CampaignMaker,
    child_environment: dict[str, str],
    tmp_path: Path,
    collected_static: None,
) -> None:
    open_campaign("sale", strategy="direct")
    with ExitStack() as stack:
        inner = {
            door: stack.enter_context(
                services.start_web(child_environment | {"DOOR": door}, tmp_path, name=door)
            )
            for door in ("users", "pages")
        }
        door = FrontDoor(
            "users", servers.free_port(), inner["users"], at_once=4, paths=API_PATHS,
            shared=SHARED_PATHS, pages=pages_behind(inner["pages"]),
        )  # fmt: skip
        stack.enter_context(start_front(tmp_path / "front", [door]))
        shown = (
            "/events/sale", "/coupon-button.js", "/static/pages/event.css", LIVE, "/api/v1/time",
            "/api/v1/campaigns/sale",
        )  # fmt: skip
        answered = {path: status_of(door.port, path) for path in shown}
        assert answered == dict.fromkeys(shown, 200) | {"/api/v1/time": answered["/api/v1/time"]}
        assert answered["/api/v1/time"] in (200, 503)  # 503: the clock is not measured yet
        unknown = send_request(door.port, "/events/none")
        assert (unknown.status, unknown.headers.get_content_type()) == (404, "text/html")
        for path in ("/static/admin/css/base.css", "/admin/", "/events/sale/x", "/static/pages/"):
            answer = send_request(door.port, path)
            assert (answer.status, answer.headers.get_content_type()) == (
                404,
                "application/problem+json",
            ), path


def test_a_flood_of_page_loads_takes_no_thread_of_the_api(tmp_path: Path) -> None:
    with (
        served(Inner()) as users,
        served(Inner(hanging=("/events/sale",))) as pages,
        front_of(tmp_path, users, pages) as port,
        waiting_loads(port),
    ):
        wait_for(pages, "/events/sale", 2)
        says = {"Authorization": "Bearer a.b.c"}
        assert [status_of(port, CLAIMS, "POST", says) for _ in range(10)] == [200] * 10
        assert status_of(port, "/api/v1/campaigns/sale") == 200
        assert [status_of(port, FORM, "POST") for _ in range(5)] == [200] * 5, "forms, too"


def test_in_the_queue_of_the_api_it_would(tmp_path: Path) -> None:
    """The negative control: pages in the threads of claims."""
    with served(Inner(hanging=("/events/sale",))) as inner:
        everything = f"({API_PATHS}|^/events/)"
        door = FrontDoor(
            "users", servers.free_port(), inner.server_port, at_once=4, paths=everything, first=""
        )
        with start_front(tmp_path / "front", [door]), waiting_loads(door.port):
            wait_for(inner, "/events/sale", 4)
            assert status_of(door.port, CLAIMS, "POST", {"Authorization": "Bearer a.b.c"}) == 503


def test_who_waits_too_long_sees_a_page_in_their_language(tmp_path: Path) -> None:
    with (
        served(Inner()) as users,
        served(Inner(hanging=("/events/sale",))) as pages,
        front_of(tmp_path, users, pages) as port,
        waiting_loads(port),
    ):
        wait_for(pages, "/events/sale", 2)
        for language, title in (("ko", "접속이 몰리고 있습니다"), ("en", "Too many requests")):
            answer = send_request(port, "/events/sale", headers={"Accept-Language": language})
            assert (answer.status, answer.headers["Content-Language"]) == (503, language)
            assert answer.headers.get_content_type() == "text/html"
            assert answer.headers["Retry-After"]
            assert title in answer.body.decode()


def test_its_page_loads_what_its_policy_allows_and_itself_again(tmp_path: Path) -> None:
    """HAProxy answers the files itself; a form that was sent is not sent again."""
    with (
        served(Inner()) as users,
        served(Inner(hanging=("/events/sale", FORM))) as pages,
        front_of(tmp_path, users, pages) as port,
        waiting_loads(port, "/events/sale"),
        waiting_loads(port, FORM),
    ):
        wait_for(pages, "/events/sale", 2)
        wait_for(pages, FORM, 2)
        shown = send_request(port, "/events/sale")
        page = shown.body.decode()
        wait_s = re.findall(r'<script src="([^"]+)" data-wait-s="([2-6])"></script>', page)
        assert wait_s == [(SCRIPT, shown.headers["Retry-After"])]
        assert 'style="' not in page
        assert f'<link rel="stylesheet" href="{STYLE}">' in page
        policy = shown.headers.get_all("Content-Security-Policy")
        assert policy == [render.role_variables("front")["front_page_policy"]]
        for allowed in ("default-src 'none'", "style-src 'self'", "script-src 'self'"):
            assert allowed in policy[0]
        for path, form in ((STYLE, "text/css"), (SCRIPT, "text/javascript")):
            file = send_request(port, path)
            assert (file.status, file.headers.get_content_type()) == (200, form)
            assert file.headers["Cache-Control"] == "public, max-age=300"
            assert file.body
        for path, method in (("/events/sale", "POST"), (FORM, "POST"), (FORM, "GET")):
            sent = send_request(port, path, method)
            assert (sent.status, sent.headers.get_content_type()) == (503, "text/html")
            assert sent.body.endswith(b"</p>"), sent.body
        assert {STYLE, SCRIPT}.isdisjoint(pages.asked)


def test_what_is_for_everybody_is_asked_once(tmp_path: Path) -> None:
    with (
        served(Inner(kept=EVERYBODY)) as users,
        served(Inner(kept=EVERYBODY)) as pages,
        front_of(tmp_path, users, pages, most_anonymous=5) as port,
    ):
        for path in (LIVE, "/static/pages/event.js", "/coupon-button.js"):
            answers = [send_request(port, path) for _ in range(30)]
            assert {answer.status for answer in answers} == {200}, "they count towards no limit"
            assert {answer.headers["X-Request-Id"] for answer in answers} == {None}
        assert users.asked == {LIVE: 1}
        assert pages.asked == {"/static/pages/event.js": 1, "/coupon-button.js": 1}
        others = [status_of(port, f"{LIVE}?{number}") for number in range(8)]
        assert others[0] == 200
        assert 429 in others, "what reaches the application counts"


def test_without_a_cache_each_poll_reaches_the_application(tmp_path: Path) -> None:
    """The negative control."""
    with (
        served(Inner(kept=EVERYBODY)) as users,
        front_of(tmp_path, users, users, shared="") as port,
    ):
        assert [status_of(port, LIVE) for _ in range(30)] == [200] * 30
        assert users.asked == {LIVE: 30}


@pytest.mark.django_db(transaction=True)
def test_it_is_asked_once_whichever_origin_asks(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    """And each is told its own origin, of a kept answer, too."""
    soon = timezone.now() + timedelta(hours=1)
    open_campaign("sale", strategy="direct", opens_at=soon, closes_at=soon + timedelta(hours=1))
    shop, other = "https://shop.example", "https://other.example"
    environment = child_environment | {"DOOR": "users", "CORS_ORIGINS": f"{shop},{other}"}
    with services.start_web(environment, tmp_path) as inner:
        door = FrontDoor(
            "users", servers.free_port(), inner, at_once=4, paths=API_PATHS,
            shared=SHARED_PATHS, cross_origin=True,
        )  # fmt: skip
        with start_front(tmp_path / "front", [door], cors_origins=[shop, other]):
            for path in ("/api/v1/campaigns", LIVE):
                assert any(
                    _is_kept(send_request(door.port, path, headers={"Origin": shop}), shop)
                    and _is_kept(send_request(door.port, path, headers={"Origin": other}), other)
                    for _ in range(20)
                ), path
                stranger = send_request(door.port, path, headers={"Origin": "https://evil.example"})
                assert stranger.headers["Access-Control-Allow-Origin"] is None


def _is_kept(answer: HttpAnswer, origin: str) -> bool:
    assert answer.status == 200
    assert answer.headers.get_all("Access-Control-Allow-Origin") == [origin]
    assert answer.headers.get_all("Vary") == ["Origin"]
    return answer.headers["Age"] is not None


@pytest.mark.parametrize("kept", ["no-store", "private, max-age=60", "no-cache"])
def test_what_is_for_one_user_is_not_kept(tmp_path: Path, kept: str) -> None:
    with served(Inner(kept=kept)) as users, front_of(tmp_path, users, users) as port:
        assert [status_of(port, LIVE) for _ in range(3)] == [200] * 3
        assert users.asked == {LIVE: 3}


def test_pages_and_claims_are_never_kept(tmp_path: Path) -> None:
    """Whatever they say of themselves: pages differ by language, claims by user."""
    with (
        served(Inner(kept=EVERYBODY)) as users,
        served(Inner(kept=EVERYBODY)) as pages,
        front_of(tmp_path, users, pages) as port,
    ):
        for path in ("/events/sale", f"{CLAIMS}/me", "/api/v1/coupons", "/api/v1/time"):
            assert [status_of(port, path) for _ in range(2)] == [200] * 2
        assert set((users.asked | pages.asked).values()) == {2}


def test_a_form_has_the_limits_of_a_claim(tmp_path: Path) -> None:
    with (
        served(Inner()) as users,
        served(Inner()) as pages,
        front_of(tmp_path, users, pages, most_anonymous=3, held_s=1, request_s=1) as port,
    ):
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as slow:
            slow.sendall(f"POST {FORM} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nt".encode())
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("POST", FORM, b"x" * 5000)
            assert connection.getresponse().status == 413
        assert pages.asked == {}
        statuses = [status_of(port, FORM, "POST") for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert pages.asked == {FORM: 3}


def test_a_door_without_pages_has_none(tmp_path: Path) -> None:
    with served(Inner()) as users:
        door = FrontDoor("users", servers.free_port(), users.server_port, paths=API_PATHS)
        with start_front(tmp_path / "front", [door]):
            assert status_of(door.port, "/events/sale") == 404


def test_a_cdn_before_the_balancer_says_whom_it_asks_for(tmp_path: Path) -> None:
    """Without it each edge would count as one address, and a crowd would share its limits."""
    balancers, edges = ["127.0.0.0/8"], ["198.51.100.0/24"]
    with seen_through(tmp_path, balancers=balancers, edges=edges) as port:
        for said, seen in (
            ("192.0.2.1, 203.0.113.7, 198.51.100.9", "203.0.113.7"),
            ("203.0.113.7", "203.0.113.7"),  # past the CDN
            ("192.0.2.1, 203.0.113.7", "203.0.113.7"),  # a client's own words count nowhere
            ("198.51.100.9", "198.51.100.9"),  # an edge that says nothing
        ):
            answer = send_request(port, "/", headers={"X-Forwarded-For": said})
            assert json.loads(answer.body)["x-forwarded-for"] == seen, said
