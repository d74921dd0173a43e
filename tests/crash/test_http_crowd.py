"""The crowd without a client library: closed and open load, users who ask again, ask at once or
hang up."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

from tests.crash.http_crowd import DROPPED, RESET, TIMEOUT, HttpCrowd, Orders, orders_as_json
from tests.harness.scripted_http import scripted_http
from tests.harness.servers import free_port

PATH = "/claims"


def people_of(count: int, times: int = 1) -> list[tuple[str, str, int]]:
    return [(f"user-{number}", f"token-{number}", times) for number in range(count)]


def play_crowd(port: int, people: list[tuple[str, str, int]], **orders: Any) -> HttpCrowd:
    crowd = HttpCrowd(Orders((port,), PATH, people, **orders))
    crowd.play_orders()
    return crowd


def admit_user(token: str, before: int) -> tuple[int, dict[str, str]]:
    return 202, {}


def test_every_user_asks_once_over_few_connections() -> None:
    with scripted_http(admit_user) as server:
        crowd = play_crowd(server.port, people_of(200), at_once=8)
    assert sorted(server.tokens) == sorted(token for _, token, _ in people_of(200))
    assert {(answer[4], answer[6]) for answer in crowd.answers} == {(202, '{"code": "status_202"}')}
    assert len(server.connections) <= 8


def test_a_user_without_a_decision_asks_again() -> None:
    with scripted_http(lambda _, before: (503 if before < 2 else 202, {})) as server:
        crowd = play_crowd(server.port, people_of(20), at_once=4)
    assert set(Counter(server.tokens).values()) == {3}
    assert Counter(answer[4] for answer in crowd.answers) == {503: 40, 202: 20}


def test_an_open_load_asks_once_at_its_rate_and_notes_retry_after() -> None:
    with scripted_http(lambda *_: (503, {"Retry-After": "1"})) as server:
        crowd = play_crowd(
            server.port, people_of(40), per_s=100, until_decided=False, keep=False, bodies=False
        )
    assert len(server.tokens) == 40 == len(server.connections)
    dues = sorted(answer[1] for answer in crowd.answers)
    assert 0.38 < dues[-1] - dues[0] < 0.4
    assert all(sent >= due for _, due, sent, *_ in crowd.answers)
    assert {answer[4:] for answer in crowd.answers} == {(503, True, "")}


def test_requests_of_one_user_are_sent_together_or_one_after_the_other() -> None:
    with scripted_http(admit_user) as server:
        at_once = play_crowd(server.port, people_of(10, 5), at_once=10, together=True)
        in_turn = play_crowd(server.port, people_of(10, 5), at_once=10)
    assert len(at_once.answers) == len(in_turn.answers) == 50
    for crowd, overlaps in ((at_once, True), (in_turn, False)):
        mine = sorted(answer[2:4] for answer in crowd.answers if answer[0] == "user-0")
        assert (mine[1][0] < mine[0][1]) is overlaps


def test_who_hangs_up_has_sent_the_request_and_hears_a_later_one() -> None:
    with scripted_http(admit_user) as server:
        crowd = play_crowd(server.port, people_of(50, 4), at_once=10, dropped=0.3)
    statuses = Counter(answer[4] for answer in crowd.answers)
    assert statuses.keys() == {202, DROPPED} and statuses.total() == 200
    assert {answer[0] for answer in crowd.answers if answer[4] == 202} == {
        user for user, *_ in people_of(50)
    }
    assert len(server.tokens) == 200


def test_a_refused_connection_is_a_reset_and_silence_a_timeout() -> None:
    refused = play_crowd(free_port(), people_of(3), until_decided=False)
    assert {answer[4] for answer in refused.answers} == {RESET}

    given_up = threading.Event()

    def wait(*_: object) -> tuple[int, dict[str, str]]:
        given_up.wait(60)
        return 202, {}

    with scripted_http(wait) as server:
        silent = play_crowd(server.port, people_of(3), until_decided=False, patience_s=0.2)
        given_up.set()
    assert {answer[4] for answer in silent.answers} == {TIMEOUT}


def test_at_a_signal_no_more_users_come() -> None:
    with scripted_http(admit_user) as server:
        orders = Orders((server.port,), PATH, people_of(9999), per_s=20)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.crash.http_crowd"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as crowd:  # fmt: skip
            assert crowd.stdin and crowd.stdout
            crowd.stdin.write(orders_as_json(orders))
            crowd.stdin.close()
            while not server.tokens:
                time.sleep(0.05)
            crowd.send_signal(signal.SIGTERM)
            first, *answers = map(json.loads, crowd.stdout)
            assert crowd.wait(60) == 0
    assert first["cpu"] >= 0
    assert 0 < len(answers) == len(server.tokens) < 9999
