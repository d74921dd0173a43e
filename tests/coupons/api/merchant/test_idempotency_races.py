"""One Idempotency-Key in several real processes, one of which may be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from coupons.api.merchant import idempotency
from coupons.models import IdempotentCall, Merchant
from tests.coupons.api.merchant import idempotent_caller

pytestmark = [pytest.mark.slow, pytest.mark.stores, pytest.mark.django_db(transaction=True)]


class Caller:
    """A process of `idempotent_caller`."""

    def __init__(self, environment: dict[str, str], road: str, key: str, name: str) -> None:
        module = "tests.coupons.api.merchant.idempotent_caller"
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, road, key, name], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.expect("ready")

    def expect(self, text: str) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == f"{text}\n"

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def act(self) -> None:
        """Up to the middle of its transaction."""
        self.go_on()
        self.expect("acting")

    def answer(self) -> Any:
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline())
        assert self.process.wait(120) == 0
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


Call = Callable[..., Caller]


@pytest.fixture
def call(child_environment: dict[str, str]) -> Iterator[Call]:
    Merchant.objects.create(slug="shop", name="The shop")
    connection.close()
    with ExitStack() as stack:

        def start(road: str = "product", key: str = "k-1", **settings: str) -> Caller:
            environment = child_environment | {"ENV_FILES": os.devnull} | settings
            caller = Caller(environment, road, key, "made")
            stack.callback(caller.kill)
            return caller

        yield start


def effects() -> int:
    return Merchant.objects.filter(name="made").count()


needs_row_locks = pytest.mark.skipif(
    os.environ.get("DATABASE_URL", "").startswith("sqlite"),
    reason="SQLite has no row locks: the second request waits for the first",
)


def test_complaint_33_a_killed_request_leaves_no_key_in_flight(call: Call) -> None:
    dying = call()
    dying.act()
    dying.kill()
    again = call()
    again.act()
    again.go_on()
    status, body, replayed = again.answer()
    assert (status, replayed, effects()) == (201, "", 1)
    late = call()
    late.go_on()
    assert late.answer() == [201, body, "true"]


def test_complaint_33_control_a_row_that_was_committed_first_stays_in_flight(call: Call) -> None:
    dying = call("row-first")
    dying.act()
    dying.kill()
    again = call("row-first")
    again.go_on()
    status, body, _ = again.answer()
    assert (status, json.loads(body)["code"]) == (409, "idempotency_in_flight")


@needs_row_locks
def test_complaint_35_while_the_first_request_runs_the_second_is_told_so_at_once(
    call: Call,
) -> None:
    """At once: the first one stands in its transaction until the second has its answer, and a
    statement that waited for the lock would be ended by its time limit (503) before the lock
    wait is over."""
    first, second = call(), call(DATABASE_TIMEOUT_S="4")
    first.act()
    second.go_on()
    status, body, _ = second.answer()
    assert (status, json.loads(body)["code"]) == (409, "idempotency_in_flight")
    first.go_on()
    assert first.answer()[0] == 201
    assert effects() == 1


@needs_row_locks
def test_complaint_35_the_loser_of_the_race_gets_the_winners_answer(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked before either has inserted its row."""
    winner, begin = call(), idempotency._begin

    def begin_later(row: Any) -> IdempotentCall:
        monkeypatch.setattr(idempotency, "_begin", begin)
        winner.act()
        winner.go_on()
        winner_said.append(winner.answer())
        return begin(row)

    winner_said: list[Any] = []
    monkeypatch.setattr(idempotency, "_begin", begin_later)
    response = idempotency.answer_once(
        idempotent_caller.request_of("k-1"), idempotent_caller.BODY, pytest.fail
    )
    assert [response.status_code, response.content.decode(), ""] == winner_said[0]
    assert response["Idempotency-Replayed"] == "true"


def race(call: Call, road: str) -> list[Any]:
    crowd = [call(road) for _ in range(4)]
    for caller in crowd:
        caller.go_on()
    for caller in crowd:
        caller.go_on()  # for `acting`, if it comes to that
    answers = []
    for caller in crowd:
        assert caller.process.stdout
        lines = [line for line in caller.process.stdout if line != "acting\n"]
        answers.append(json.loads(lines[0]))
    return answers


def test_four_processes_with_one_key_have_one_effect(call: Call) -> None:
    answers = race(call, "product")
    assert effects() == 1
    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({body for status, body, _ in answers if status == 201}) == 1


@needs_row_locks
def test_control_four_processes_whose_row_comes_last_have_several(call: Call) -> None:
    race(call, "row-last")
    assert effects() > 1
