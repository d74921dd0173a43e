"""The merchants' door behind its front: long bodies, many requests of one key, nothing else; and
slow ones take no thread of a checkout."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from coupons.merchants import api_keys
from coupons.models import Merchant
from tests.config.fronted import hold_connections, scripted_server, status_of
from tests.conftest import CampaignMaker
from tests.harness import front, servers, services
from tests.harness.front import FrontDoor

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CAMPAIGNS = "/api/v1/merchant/campaigns"
GRANTS = f"{CAMPAIGNS}/sale/grants"
THREADS = 4  # one of them for what is slow
SLOW_S = 3
OF_ROLE = next(door for door in front._defaults()["front_doors"] if door["name"] == "merchants")


@pytest.fixture
def door(child_environment: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """The port of the front, which has the role's own rules."""
    with services.start_web(child_environment | {"DOOR": "merchants"}, tmp_path) as inner:
        served = merchants_door(inner)
        with front.start_front(tmp_path / "front", [served], slow_s=SLOW_S):
            yield served.port


def merchants_door(inner: int) -> FrontDoor:
    names = (
        "paths", "token", "most_of_token", "streams", "streamed_bytes", "large",
        "body_bytes", "repeatable", "connections",
    )  # fmt: skip
    own = {name: OF_ROLE[name] for name in names}
    return FrontDoor(
        "merchants", servers.free_port(), inner, at_once=THREADS, public="", first="", **own
    )


@pytest.fixture
def key() -> str:
    shop = Merchant.objects.create(slug="shop", name="The shop")
    return api_keys.make_key(shop, name="backend", scopes=["campaigns", "grants"])[1]


def send(port: int, path: str, key: str = "", method: str = "GET", body: bytes = b"") -> Any:
    headers = {"Content-Type": "application/json"}
    if key:
        headers |= {"Authorization": f"Api-Key {key}", "Idempotency-Key": "k-1"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}").get("code")


def test_it_has_the_merchants_paths_and_no_others(door: int, key: str) -> None:
    assert send(door, CAMPAIGNS, key) == (200, None)
    assert send(door, CAMPAIGNS) == (401, "bad_key")
    for path in ("/", "/api/v1/campaigns/sale", "/admin/", "/api/v1/merchant/", "/metrics"):
        assert send(door, path, key)[0] == 404, path


def test_a_long_body_reaches_the_application(door: int, key: str) -> None:
    """As long as the application takes one; a longer one costs no thread."""
    for size in (5_000, 65_536 - 9):
        body = json.dumps({"x": "y" * size}).encode()
        assert send(door, CAMPAIGNS, key, "POST", body) == (400, "bad_input"), size
    body = json.dumps({"x": "y" * 300_000}).encode()
    assert send(door, CAMPAIGNS, key, "POST", body) == (413, "body_too_large")


def test_a_shop_may_ask_more_often_than_a_user(door: int, key: str) -> None:
    """The front counts a user's requests; a key's limit is the application's."""
    most = front._defaults()["front_most_of_token"]
    assert {send(door, CAMPAIGNS, key)[0] for _ in range(2 * most)} == {200}


def test_a_key_has_one_limit_in_every_spelling_of_the_header(tmp_path: Path) -> None:
    with scripted_server(tmp_path, "http-request return status 200") as inner:
        served = replace(merchants_door(inner), most_of_token=3)
        with front.start_front(tmp_path / "front", [served], held_s=1):
            key = made_up_key(1).removeprefix("Api-Key ")
            spellings = (f"Api-Key {key}", f"API-KEY {key}", f"Api-Key  {key}", f"api-key    {key}")
            statuses = [
                status_of(served.port, CAMPAIGNS, says={"Authorization": said})
                for said in spellings * 2
            ]
    assert statuses == [200] * 3 + [429] * 5


# Slow clients


def started_post(path: str, authorization: str = "", *, sent: int = 200_000) -> bytes:
    """The beginning of a request with a body of 100 MB: more than the front waits for."""
    return (
        (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
            f"{f'Authorization: {authorization}' if authorization else 'X-None: 1'}\r\n"
            "Idempotency-Key: k-2\r\nContent-Length: 100000000\r\n\r\n"
        ).encode()
        + b"user\n"
        + b"ann\n" * (sent // 4)
    )


def made_up_key(number: int) -> str:
    return f"Api-Key cpk_live_{number:08}.{'a' * 32}"


def post_list(port: int, key: str, users: str = "bob") -> tuple[int, str]:
    """Grant these users a coupon: a long list's path, though a short one."""
    headers = {
        "Content-Type": "text/csv", "Authorization": f"Api-Key {key}", "Idempotency-Key": users,
    }  # fmt: skip
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", GRANTS, f"user\n{users}\n".encode(), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()).get("code", "")


def test_a_started_body_without_a_key_takes_no_thread(door: int, key: str) -> None:
    for path in (f"{CAMPAIGNS}/sale/pause", GRANTS):
        with hold_connections(door, started_post(path), 4 * THREADS) as held:
            assert {send(door, CAMPAIGNS, key)[0] for _ in range(8)} == {200}
            assert {one.recv(12) for one in held} <= {b"HTTP/1.1 413", b"HTTP/1.1 429"}


def test_a_started_short_body_takes_no_thread(door: int, key: str) -> None:
    """The front waits for it."""
    started = started_post(f"{CAMPAIGNS}/sale/pause", f"Api-Key {key}", sent=60_000)
    started = started.replace(b"100000000", b"65536")
    with hold_connections(door, started, 4 * THREADS):
        assert {send(door, CAMPAIGNS, key)[0] for _ in range(8)} == {200}


def test_a_refused_list_gives_its_thread_back_at_once(
    door: int, key: str, open_campaign: CampaignMaker
) -> None:
    """Which the application refuses before it has read the body: of made-up keys, many. Their
    clients are told, unless the connection ends first since the rest is not read."""
    owned_campaign(open_campaign)
    told = 0
    with ExitStack() as stack:
        for number in range(4 * THREADS):
            started = started_post(GRANTS, made_up_key(number))
            (one,) = stack.enter_context(hold_connections(door, started, 1))
            answer = http.client.HTTPResponse(one)
            with suppress(ConnectionError):
                answer.begin()
                assert answer.status == 401
                assert answer.headers["X-Request-Id"]
                assert json.loads(answer.read())["code"] == "bad_key"
                told += 1
        assert told
        assert post_list(door, key) == (202, "")


def test_a_key_has_a_few_slow_lists_at_once_and_none_for_ever(
    door: int, key: str, open_campaign: CampaignMaker
) -> None:
    """In whatever spelling; checkout goes on, and after the deadline lists do, too."""
    owned_campaign(open_campaign)
    most = front._defaults()["front_most_slow"]
    with hold_connections(door, started_post(GRANTS, f"Api-Key {key}"), most) as held:
        assert post_list(door, key)[0] == 429
        assert {send(door, CAMPAIGNS, key)[0] for _ in range(8)} == {200}
        ends = time.monotonic() + 5 * SLOW_S
        while time.monotonic() < ends:
            for one in held:  # as slowly as can be
                with suppress(OSError):
                    one.sendall(b"b")
            if post_list(door, key)[0] == 202:
                return
            time.sleep(0.3)
    pytest.fail("the slow lists held their threads")


def test_a_late_list_gives_the_applications_thread_back(
    child_environment: dict[str, str], tmp_path: Path, key: str, open_campaign: CampaignMaker
) -> None:
    owned_campaign(open_campaign)
    environment = child_environment | {"DOOR": "merchants"}
    with services.start_web(environment, tmp_path, "--blocking-threads", "1") as inner:
        served = merchants_door(inner)
        started = started_post(GRANTS, f"Api-Key {key}")
        with (
            front.start_front(tmp_path / "front", [served], slow_s=2, shed_after_ms=20_000),
            hold_connections(served.port, started, 1) as (one,),
        ):
            assert one.recv(12) == b"HTTP/1.1 504"
            for _ in range(5):  # 503 while it removes what it has received
                answer = send(served.port, CAMPAIGNS, key)
                if answer != (503, "overloaded"):
                    break
                time.sleep(0.5)
            assert answer == (200, None)


def owned_campaign(open_campaign: CampaignMaker) -> None:
    open_campaign(slug="sale", merchant=Merchant.objects.get(slug="shop"))


class Inner(ThreadingHTTPServer):
    """A server that answers no export, and everything else at once."""

    def __init__(self) -> None:
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Inner

    def do_GET(self) -> None:
        if self.path.endswith(("/coupons", "/lines")):
            self.server.over.wait()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hanging_exports(folder: Path, **rules: Any) -> Iterator[int]:
    """The port of a front whose server never ends an export, while twenty are asked for."""
    inner = Inner()
    serving = threading.Thread(target=inner.serve_forever)
    serving.start()
    served = replace(merchants_door(inner.server_port), **rules)
    paths = (f"{CAMPAIGNS}/sale/coupons", "/api/v1/merchant/jobs/1/lines")
    try:
        with front.start_front(folder / "front", [served]), ExitStack() as stack:
            for number in range(20):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
                one.sendall(
                    f"GET {paths[number % 2]} HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: {made_up_key(number)}\r\n\r\n".encode()
                )
            time.sleep(0.2)
            yield served.port
    finally:
        inner.over.set()
        inner.shutdown()
        serving.join()
        inner.server_close()


def test_exports_take_no_thread_of_the_others(tmp_path: Path) -> None:
    with hanging_exports(tmp_path) as port:
        assert {status_of(port, CAMPAIGNS) for _ in range(8)} == {200}


def test_without_threads_of_their_own_they_would(tmp_path: Path) -> None:
    """The negative control."""
    with hanging_exports(tmp_path, streams="", large="") as port:
        assert status_of(port, CAMPAIGNS) == 503
