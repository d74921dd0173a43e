"""Load shedding at five times a server's capacity: served requests are served soon, the rest get
503 at once; without it all wait. And a client can't make it refuse others."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.development.process import commands
from config.overload import MARK, Sensor, Shedder, seconds_since_mark, time_mark
from tests.harness.servers import free_port, is_listening, start_process

Answer = tuple[str, dict[str, str]]

# A server that carries fifty requests a second: two threads, 40 ms each.
APPLICATION = """
import os, time, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from config.overload import Shedder

def slow(environ, start):
    time.sleep(0.04)
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]

application = Shedder(slow)
"""
OFFERED_PER_S, LOAD_S = 250, 5
REQUEST = (
    b"POST /api/v1/campaigns/sale/claims HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


@contextmanager
def slow_site(folder: Path, *, shed_after_s: float) -> Iterator[int]:
    (folder / "slow.py").write_text(APPLICATION)
    port = free_port()
    env = {"SHED_AFTER_S": str(shed_after_s), "PYTHONPATH": f"{folder}:{Path.cwd()}"}
    command = commands.granian_command(
        port, "--blocking-threads", "2", "--backlog", "4096", application="slow:application"
    )
    with start_process(
        command, ready=lambda: is_listening(port), log=folder / "granian.log", env=env
    ):
        yield port


class Reply(NamedTuple):
    status: int
    seconds: float
    head: str


async def send_request(port: int) -> Reply:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    reply = (await reader.read()).decode()
    writer.close()
    return Reply(int(reply[9:12]), time.monotonic() - began, reply)


async def send_at_fixed_rate(port: int) -> list[Reply]:
    """Send requests at a fixed rate (open load), whether answers come or not."""
    tasks = []
    began = time.monotonic()
    for number in range(OFFERED_PER_S * LOAD_S):
        await asyncio.sleep(max(0.0, began + number / OFFERED_PER_S - time.monotonic()))
        tasks.append(asyncio.create_task(send_request(port)))
    return await asyncio.gather(*tasks)


def most_take(replies: list[Reply]) -> float:
    """The 90th percentile, since a busy machine stalls now and then by itself."""
    served = sorted(one.seconds for one in replies if one.status == HTTPStatus.OK)
    return served[int(0.9 * len(served))]


def rate_of(replies: list[Reply]) -> float:
    """Requests that were served in a second, from the first that was sent to the last reply."""
    served = [one.seconds for one in replies if one.status == HTTPStatus.OK]
    return len(served) / max(LOAD_S, *served)


@pytest.mark.long
def test_at_five_times_its_capacity_whoever_is_served_is_served_soon(tmp_path: Path) -> None:
    """Beside the same server without shedding, where every request waits (the control): on a busy
    machine both are slow."""
    with slow_site(tmp_path, shed_after_s=0) as port:
        waiting = asyncio.run(send_at_fixed_rate(port))
    assert {one.status for one in waiting} == {200}
    assert most_take(waiting) > 8
    with slow_site(tmp_path, shed_after_s=1) as port:
        replies = asyncio.run(send_at_fixed_rate(port))
    assert len(replies) == OFFERED_PER_S * LOAD_S, "everybody is answered"
    assert {one.status for one in replies} == {200, 503}
    assert rate_of(replies) > rate_of(waiting) / 2
    assert most_take(replies) <= most_take(waiting) / 4
    again = [
        re.search(r"(?im)^retry-after: (\d+)", one.head) for one in replies if one.status == 503
    ]
    assert {int(found[1]) for found in again if found} == {2, 3, 4, 5, 6}
    assert all(again)


async def all_at_once(port: int, people: int) -> list[Reply]:
    return await asyncio.gather(*(send_request(port) for _ in range(people)))


@pytest.mark.long
def test_of_a_burst_no_request_waits_for_long(tmp_path: Path) -> None:
    """Ten seconds of work in an instant: no mark gets through before it is done. Beside the same
    burst without shedding (the control)."""
    waiting = send_burst(tmp_path, shed_after_s=0)
    assert {one.status for one in waiting} == {200}
    replies = send_burst(tmp_path, shed_after_s=1)
    assert {one.status for one in replies} == {200, 503}
    assert most_take(replies) <= most_take(waiting) / 3
    assert longest_of(replies) <= longest_of(waiting) / 2


def send_burst(folder: Path, *, shed_after_s: float) -> list[Reply]:
    with slow_site(folder, shed_after_s=shed_after_s) as port:
        asyncio.run(send_request(port))  # it begins to measure with its first request
        time.sleep(0.5)
        return asyncio.run(all_at_once(port, 500))


def longest_of(replies: list[Reply]) -> float:
    return max(one.seconds for one in replies)


# What the shedder concludes from answered marks


class ShedderCall:
    """The shedder in front of an application that answers 200."""

    def __init__(self) -> None:
        self.shedder = Shedder(self._behind)

    def _behind(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b""]

    def __call__(self, path: str = "/api/v1/campaigns/sale/claims", **headers: str) -> Answer:
        answers: list[Answer] = []
        environ = {"PATH_INFO": path} | headers
        self.shedder(environ, lambda status, head: answers.append((status, dict(head))))
        return answers[0]

    def call_with_mark(self, ago_s: float, monkeypatch: pytest.MonkeyPatch) -> Answer:
        now = time.monotonic()
        with monkeypatch.context() as then:
            then.setattr("config.overload.time.monotonic", lambda: now - ago_s)
            sent = time_mark()
        return self(MARK, HTTP_X_MARK=sent)


@pytest.fixture
def shedding_application(settings: Any) -> ShedderCall:
    settings.SHED_AFTER_S = 1
    return ShedderCall()


def test_a_long_queueing_delay_sheds_and_a_short_one_admits_again(
    shedding_application: ShedderCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shedding_application()[0] == "200 OK"
    assert shedding_application.call_with_mark(0.9, monkeypatch)[0] == "204 No Content"
    assert shedding_application()[0] == "200 OK"
    shedding_application.call_with_mark(1.1, monkeypatch)
    status, head = shedding_application()
    assert status == "503 Service Unavailable"
    assert head["Content-Type"] == "application/problem+json"
    assert 2 <= int(head["Retry-After"]) <= 6
    shedding_application.call_with_mark(0.5, monkeypatch)
    assert shedding_application()[0] == "200 OK"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/admin/", "/admin/login/"])
def test_probes_and_operators_are_let_in(
    shedding_application: ShedderCall, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shedding_application.call_with_mark(5, monkeypatch)
    assert shedding_application(path)[0] == "200 OK"


def test_an_old_measurement_says_nothing_about_now(
    shedding_application: ShedderCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    shedding_application.call_with_mark(5, monkeypatch)
    now = time.monotonic()
    monkeypatch.setattr("config.overload.time.monotonic", lambda: now + 2.1)
    assert shedding_application()[0] == "200 OK"


@pytest.mark.parametrize(
    "forged",
    ["", "0.0", "1.0.aaaa.", "1.0.aaaa.ffff", "é.é.é", time_mark()[:-1] + "x", "x" * 5000],
    ids=["empty", "short", "no signature", "wrong signature", "no ASCII", "changed", "long"],
)
def test_a_client_can_not_make_it_shed(shedding_application: ShedderCall, forged: str) -> None:
    assert shedding_application(MARK, HTTP_X_MARK=forged)[0] == "404 Not Found"
    assert shedding_application()[0] == "200 OK"


# What it concludes from marks that are not answered yet


def test_a_mark_that_is_not_answered_counts_as_a_long_delay(settings: Any) -> None:
    settings.SHED_AFTER_S = 3
    late = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # accepts connections and never answers
        Sensor("127.0.0.1", nobody.getsockname()[1], when_late=late.set)
        assert not late.wait(0.2)
        assert late.wait(60)


def test_answered_marks_report_no_delay(settings: Any) -> None:
    settings.SHED_AFTER_S = 2
    late = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        Sensor("127.0.0.1", server.getsockname()[1], when_late=late.set)
        until = time.monotonic() + 4
        while time.monotonic() < until:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert not late.is_set()


def test_a_mark_measures_the_queueing_delay() -> None:
    assert 0 <= (seconds_since_mark(time_mark()) or 0) < 30
