"""The front: HAProxy from the role's own template, before a real users' door with four threads."""

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from config.security_headers import ALWAYS
from coupons.api import problems, translations
from tests.config.fronted import (
    THREADS,
    Environment,
    HttpAnswer,
    Served,
    front_of_users,
    front_without_server,
    post_claim,
    seen_through,
    send_bytes,
    send_request,
    slow_bodies,
    users_server,
)
from tests.config.waiting import wait_until
from tests.harness import servers
from tests.harness.front import ROLE, FrontDoor, problem_documents, write_configuration

CONNECTIONS = 7000  # as in a container
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def impatient_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a front that gives a request one second to arrive."""
    with seen_through(tmp_path_factory.mktemp("seen"), request_s=1) as port:
        yield port


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
def test_a_request_that_is_no_http_is_not_passed_on(
    impatient_front: int, sent: bytes, status: int
) -> None:
    """HAProxy answers these before it applies our configuration, with its own text."""
    assert send_bytes(impatient_front, sent, patience_s=30).startswith(b"HTTP/1.1 %d" % status)


# Limits


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, 413,
         "body_too_large"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413,
         "body_too_large"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1400\r\n"
         + b"x" * 0x1400 + b"\r\n0\r\n\r\n", 411, "length_required"),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431,
         "headers_too_large"),
    ],
)  # fmt: skip
def test_what_is_too_large_is_a_problem_document(
    served_site: Served, sent: bytes, status: int, code: str
) -> None:
    head, _, body = send_bytes(served_site.port, sent, patience_s=30).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), head
    assert b"application/problem+json" in head
    assert orjson.loads(body)["code"] == code
    sent_headers = head.decode().lower()
    assert [name for name, value in ALWAYS if f"{name}: {value}".lower() not in sent_headers] == []


# The client's address


FORGED = {
    "X-Forwarded-For": "10.0.0.1, 198.51.100.9", "X-Forwarded-Proto": "https",
    "X_Forwarded_For": "10.0.0.2", "X_Anything": "y", "Forwarded": "for=10.0.0.3",
    "X-Real-IP": "10.0.0.4", "X-Forwarded-Host": "evil.example", "Proxy": "http://evil.example",
}  # fmt: skip


def headers_behind(port: int) -> dict[str, str]:
    return dict(json.loads(send_request(port, "/", headers=FORGED).body))


def test_address_headers_of_a_client_are_dropped(tmp_path: Path) -> None:
    with seen_through(tmp_path) as port:
        seen = headers_behind(port)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert not [name for name in seen if "_" in name]
    assert not seen.keys() & {"forwarded", "x-real-ip", "x-forwarded-host", "proxy"}


def test_only_the_last_address_that_the_balancer_added_is_used(tmp_path: Path) -> None:
    with seen_through(tmp_path, balancers=["127.0.0.0/8"]) as port:
        seen = headers_behind(port)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("198.51.100.9", "https")


def test_13_4_the_operators_door_ignores_all_address_headers(tmp_path: Path) -> None:
    """A client behind the bastion could otherwise have wrong passwords counted for any address."""
    with seen_through(tmp_path, probes=True, balancers=["127.0.0.0/8"]) as port:
        seen = headers_behind(port)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")


# Too many at once


@pytest.mark.usefixtures("open_sale")
def test_a_request_that_would_wait_too_long_gets_retry_after(
    child_environment: Environment, tmp_path: Path
) -> None:
    """All threads are occupied from behind the front until they are released."""
    with (
        users_server(child_environment, tmp_path) as inner,
        front_of_users(inner, tmp_path, shed_after_ms=300) as served,
        slow_bodies(served.inner, 2 * THREADS),
    ):
        answers: list[tuple[int, Any]] = []

        def post_one_claim(user: str) -> None:
            with suppress(TimeoutError):  # these are queued in granian, which has no free thread
                answers.append(post_claim(served.port, user, patience_s=4))

        threads = [Thread(target=post_one_claim, args=(f"user-{n}",)) for n in range(2 * THREADS)]
        for one in threads:
            one.start()
        wait_until(lambda: len(answers) == THREADS)
        for one in threads:
            one.join()
    assert [status for status, _ in answers] == [503] * THREADS
    assert {body["code"] for _, body in answers} == {"overloaded"}


def test_its_refusal_is_the_apis_own_document_in_each_language(tmp_path: Path) -> None:
    with front_without_server(tmp_path) as port:
        for language in ("en", "ko"):
            answer = _send_refused(port, language)
            ours = problems.encoded_problem(503, "overloaded", TITLE, DETAIL)
            wanted, _ = translations.translated_document(ours, language)
            assert json.loads(answer.body) == json.loads(wanted)
            assert 2 <= int(answer.headers["Retry-After"]) <= 6
            assert answer.headers["Cache-Control"] == "no-store"
        with ThreadPoolExecutor(8) as pool:  # HAProxy tries to connect for a second or more
            refused = pool.map(partial(_send_refused, port), ACCEPTED)
            spoken = {
                each: answer.headers["Content-Language"]
                for each, answer in zip(ACCEPTED, refused, strict=True)
            }
    assert spoken == {each: translations.language_of(each) for each in ACCEPTED}


# As `coupons.api.translations` reads them, by RFC 9110; what is malformed HAProxy reads in its way.
ACCEPTED = (
    "", "ko", "ko-KR,ko;q=0.9,en;q=0.8", "en, ko;q=0.5", "fr", "KO-kr", "en;q=0.4, ko;Q=0.5",
    "fr, ko;q=0", "ko;q=0", "ko;q=0.000, *", "*", "fr, *;q=0.1", "*;q=0, ko", "kok", "korean",
    "en;q=0, *", "en;q=0.2, *;q=0.5", "ko;q=0.5, *;q=0.8", "ko;q=0.8, *;q=0.5", "en;q=0, ko;q=0",
    "ko-KP;q=0, ko", "en-US;q=0.5, ko-KR;q=0.4", "ko-Kore-KR", "ko,en", "en,ko", ",,ko,,",
    "ko_KR", "ko ; q=0.5", "KO;Q=0.1, *;Q=0.9", "EN, *;q=0.1", "fr\t,ko\t;\tq=0.3",
    "ko," + ",".join(f"aa-{n:04};q=0.1" for n in range(300)),
)  # fmt: skip
TITLE = "Too many requests at once"
DETAIL = "Nothing was decided. Please try again in a moment. Asking again is safe."


def _send_refused(port: int, accepted: str) -> HttpAnswer:
    answer = send_request(port, "/api/v1/campaigns/sale", headers={"Accept-Language": accepted})
    assert answer.status == 503
    return answer


def test_its_other_documents_have_the_members_of_the_apis() -> None:
    documents = problem_documents()
    assert set(documents) == {400, 404, 408, 411, 413, 414, 429, 431, 502, 504}
    for status, document in documents.items():
        assert document == problems.problem_document(
            status, document["code"], document["title"], document.get("detail", "")
        )


def test_the_configuration_is_what_haproxy_accepts_without_a_warning(tmp_path: Path) -> None:
    file = write_configuration(
        tmp_path, [FrontDoor("users", 1, 2)], metrics=3, balancers=["10.0.0.0/8"]
    )
    done = subprocess.run(
        ["haproxy", "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_it_starts_with_the_open_files_that_its_unit_allows(tmp_path: Path) -> None:
    """The unit drops the capability to raise the limit."""
    ports = [servers.free_port() for _ in range(3)]
    door = FrontDoor("users", ports[0], ports[1])
    file = write_configuration(tmp_path, [door], metrics=ports[2], connections=CONNECTIONS)
    limit = re.search(r"LimitNOFILE=\{\{ (.*) \}\}", (ROLE / "templates/unit.conf.j2").read_text())
    assert limit
    assert limit[1] == "front_connections | int * 2 + 1000"
    command = f"ulimit -n {2 * CONNECTIONS + 1000}; exec haproxy -db -f {file}"
    listens = partial(servers.is_listening, ports[2])
    with servers.start_process(
        ["bash", "-c", command], ready=listens, log=tmp_path / "haproxy.log"
    ):
        pass
