"""The base of all simulated users: it sends claims and checks every answer, in one place."""

# isort: off
from locust import FastHttpUser
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.exception import StopUser

# isort: on
from random import random
from typing import Any, ClassVar

import gevent
import orjson
from answers import AGAIN, ClaimAnswer, parse_answer
from arrivals import arrival_time
from campaign import LoadRun
from gevent import GreenletExit
from gevent.event import Event
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.url import URL

MOST_TRIES = 20  # of one person without a final answer
PAUSE_S = 0.25  # between two tries
LONGEST_GATHERING_S = 300


class Unexpected(Exception):
    """An answer that is a failure in Locust's statistics."""


class ApiUser(FastHttpUser):
    """A Locust user with a connection to the API; each claim names its person."""

    abstract = True
    load_run: ClassVar[LoadRun]
    all_users_started: ClassVar[Event] = Event()

    def on_start(self) -> None:
        """Open the campaign's page before the opening, which warms up both sides."""
        self._wire = self.client.client.clientpool.get_client(URL(str(self.host)))
        self._claims = self.load_run.campaign_path + "/claims"
        self.client.get(self.load_run.campaign_path, name="look at the campaign")

    def wait_until(self, due: float) -> None:
        """Sleep until `due` seconds after the opening; return at once if they have passed."""
        gevent.sleep(max(0.0, due - self.load_run.elapsed_s))

    def send_claim(self, user: str, token: str, *, due: float) -> ClaimAnswer:
        """Send one claim; record it in the ledger and in Locust's statistics.

        Uses the connections of `self.client` directly: its bookkeeping costs as much CPU as the
        request, which the load generator would take from servers on the same machine.
        """
        sent, body = self.load_run.elapsed_s, b""
        try:
            response = self._wire.request(
                "POST", self._claims, body=b"", headers={"Authorization": f"Bearer {token}"}
            )
            body = response.read()
            answer = self._read_response(user, due, sent, response, body)
        except FAILURE_EXCEPTIONS:
            answer = ClaimAnswer(user, "no_answer", 0, due, sent, self.load_run.elapsed_s)
        except GreenletExit:  # the run is stopped: the answer is not known
            self.load_run.ledger.add_answer(
                ClaimAnswer(user, "no_answer", 0, due, sent, self.load_run.elapsed_s)
            )
            raise
        except Exception:  # a bug in this code ends the user; the verdict must show it
            self.load_run.ledger.add_answer(
                ClaimAnswer(user, "load_failure", 0, due, sent, self.load_run.elapsed_s)
            )
            raise
        self.load_run.ledger.add_answer(answer)
        self._count(answer, len(body))
        return answer

    def _read_response(
        self, user: str, due: float, sent: float, response: Any, body: bytes
    ) -> ClaimAnswer:
        status, done = int(response.status_code), self.load_run.elapsed_s
        outcome, place, code = parse_answer(status, object_in(body), response.get("coupon-outcome"))
        return ClaimAnswer(user, outcome, status, due, sent, done, place, code)

    def _count(self, answer: ClaimAnswer, size: int) -> None:
        counts = self.load_run.window.begin <= answer.due < self.load_run.window.end
        self.environment.events.request.fire(
            request_type="POST",
            name=f"claim: {answer.outcome_group}"
            if counts
            else f"(left out) claim: {answer.outcome_group}",
            response_time=answer.response_ms,
            response_length=size,
            exception=None
            if answer.is_expected
            else Unexpected(f"{answer.status} {answer.outcome}"),
            context={},
        )

    def claim_until_decided(self, user: str, token: str, *, due: float) -> ClaimAnswer:
        """Retry while nothing was decided, as a person would; each try is recorded separately."""
        answer = self.send_claim(user, token, due=due)
        for _ in range(MOST_TRIES - 1):
            if answer.outcome not in AGAIN:
                break
            gevent.sleep(PAUSE_S)
            answer = self.send_claim(user, token, due=self.load_run.elapsed_s)
        return answer

    def leave_run(self) -> None:
        """End this user, but not before all users are started: Locust would replace it."""
        self.all_users_started.wait(LONGEST_GATHERING_S)
        raise StopUser


class Person(ApiUser):
    """A person who comes for a coupon at their own time, independently of other people's answers.

    An open workload: arrivals follow the clock, not the answers.
    """

    abstract = True

    def on_start(self) -> None:
        self.user, self.token = self.load_run.tokens.next_user()
        # A random share per person, so that arrivals cluster as those of independent people.
        self.due = arrival_time(self.load_run.stages, random(), seconds=self.load_run.seconds)
        super().on_start()


def share_connections(count: int, *, timeout_s: float) -> None:
    """Share `count` connections among all users of a process, as a balancer does; 0: no sharing."""
    ApiUser.network_timeout = ApiUser.connection_timeout = timeout_s
    ApiUser.client_pool = (
        HTTPClientPool(concurrency=count, network_timeout=timeout_s, connection_timeout=timeout_s)
        if count
        else None
    )


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object in a response; empty for anything else."""
    try:
        parsed = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
