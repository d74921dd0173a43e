"""The kinds of people have one base: somebody who asks. Every answer is checked here, once."""

# isort: off
from locust import FastHttpUser
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.exception import StopUser

# isort: on
from random import random
from typing import Any, ClassVar

import gevent
import orjson
from answers import AGAIN, Heard, read
from gevent import GreenletExit
from gevent.event import Event
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.url import URL
from sale import Sale
from stages import arrival

MOST_TRIES = 20  # of one person who never gets an answer to live with
PAUSE_S = 0.25  # before they try again
LONGEST_GATHERING_S = 300


class Unexpected(Exception):
    """An answer that is a failure in Locust's statistics."""


class Caller(FastHttpUser):
    """Somebody with a line to the API. Whose claim it is, they are told with every ask."""

    abstract = True
    sale: ClassVar[Sale]
    all_are_here: ClassVar[Event] = Event()

    def on_start(self) -> None:
        """Everybody has the campaign's page open before it begins; that warms up both sides."""
        self._wire = self.client.client.clientpool.get_client(URL(str(self.host)))
        self._claims = self.sale.path + "/claims"
        self.client.get(self.sale.path, name="look at the campaign")

    def wait_until(self, due: float) -> None:
        """Sleep until so many seconds after the opening; not at all if they have passed."""
        gevent.sleep(max(0.0, due - self.sale.now))

    def ask(self, user: str, token: str, *, due: float) -> Heard:
        """One claim, one entry in the ledger, one entry in Locust's statistics.

        On the connections of `self.client`, but below it: its own bookkeeping costs as much CPU as
        the request, and a load generator takes that from the servers it shares a machine with.
        """
        sent, body = self.sale.now, b""
        try:
            response = self._wire.request(
                "POST", self._claims, body=b"", headers={"Authorization": f"Bearer {token}"}
            )
            body = response.read()
            heard = self._hear(user, due, sent, response, body)
        except FAILURE_EXCEPTIONS:
            heard = Heard(user, "no_answer", 0, due, sent, self.sale.now)
        except GreenletExit:  # the run is stopped: what would have been the answer nobody knows
            self.sale.ledger.add(Heard(user, "no_answer", 0, due, sent, self.sale.now))
            raise
        except Exception:  # a fault of ours: this person is gone, and must not be gone unseen
            self.sale.ledger.add(Heard(user, "load_failure", 0, due, sent, self.sale.now))
            raise
        self.sale.ledger.add(heard)
        self._count(heard, len(body))
        return heard

    def _hear(self, user: str, due: float, sent: float, response: Any, body: bytes) -> Heard:
        status, done = int(response.status_code), self.sale.now
        outcome, place, code = read(status, _object(body), response.get("coupon-outcome"))
        return Heard(user, outcome, status, due, sent, done, place, code)

    def _count(self, heard: Heard, size: int) -> None:
        counts = self.sale.window.begin <= heard.due < self.sale.window.end
        self.environment.events.request.fire(
            request_type="POST",
            name=f"claim: {heard.group}" if counts else f"(left out) claim: {heard.group}",
            response_time=heard.ms,
            response_length=size,
            exception=None if heard.expected else Unexpected(f"{heard.status} {heard.outcome}"),
            context={},
        )

    def ask_until_settled(self, user: str, token: str, *, due: float) -> Heard:
        """Ask again where nothing was decided, as a person would; each try for itself."""
        heard = self.ask(user, token, due=due)
        for _ in range(MOST_TRIES - 1):
            if heard.outcome not in AGAIN:
                break
            gevent.sleep(PAUSE_S)
            heard = self.ask(user, token, due=self.sale.now)
        return heard

    def leave(self) -> None:
        """Go home; not before the last one is here, or Locust would send another in our place."""
        self.all_are_here.wait(LONGEST_GATHERING_S)
        raise StopUser


class Person(Caller):
    """One of the people who come for a coupon: at their own moment, whatever the others wait for.

    Arrivals are an open workload: decided by the clock, not by how fast answers come.
    """

    abstract = True

    def on_start(self) -> None:
        self.user, self.token = self.sale.line.step_up()
        # A share drawn for each person, so that arrivals cluster as independent people do.
        self.due = arrival(self.sale.stages, random(), seconds=self.sale.seconds)
        super().on_start()


def share_connections(count: int, *, timeout_s: float) -> None:
    """All callers of a process use so many connections, as behind a balancer; 0: each their own."""
    Caller.network_timeout = Caller.connection_timeout = timeout_s
    Caller.client_pool = (
        HTTPClientPool(concurrency=count, network_timeout=timeout_s, connection_timeout=timeout_s)
        if count
        else None
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
