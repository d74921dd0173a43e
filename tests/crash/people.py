"""Users who claim over HTTP at their moment, some twice, again if the outcome is unknown."""

import http.client
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Thread

from tests.crash.history import FAIL, INFO, OK, Recorder, Reply

THREADS = 12
TIMEOUT_S = 2.0  # as of a phone; the outcome is unknown then
_AGAIN_S = (0.05, 0.25)
_REFUSALS = frozenset({"sold_out", "closed"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A user who claims `at_s` seconds after the beginning."""

    at_s: float
    user: str
    token: str


def line_of(
    people: Sequence[tuple[str, str]], *, lasts_s: float, again: float, chance: random.Random
) -> list[Wish]:
    """Each user at a random moment, and the share `again` of them once more shortly after."""
    line = [Wish(chance.uniform(0, lasts_s), user, token) for user, token in people]
    twice = chance.sample(line, round(len(line) * again))
    line += [Wish(w.at_s + chance.uniform(0, 0.5), w.user, w.token) for w in twice]
    return sorted(line, key=lambda wish: wish.at_s)


class Crowd:
    """Sends the wishes of a line from THREADS threads. Each is repeated until an answer decides, or
    until `gives_up_at` (monotonic)."""

    def __init__(
        self, ports: Sequence[int], slug: str, history: Recorder, *, gives_up_at: float
    ) -> None:
        self._ports, self._history, self._gives_up_at = ports, history, gives_up_at
        self._path = f"/api/v1/campaigns/{slug}/claims"

    def play(self, line: Sequence[Wish]) -> None:
        began, hands = time.monotonic(), [_Hand(self, number) for number in range(THREADS)]
        wishes = iter(line)
        threads = [Thread(target=hand.serve, args=(wishes, began), daemon=True) for hand in hands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def ask(self, hand: "_Hand", wish: Wish) -> None:
        while time.monotonic() < self._gives_up_at:
            number = self._history.invoke(wish.user)
            reply = hand.post(self._path, wish.token)
            self._history.complete(number, reply)
            if reply.kind != INFO:
                return
            time.sleep(random.uniform(*_AGAIN_S))

    def port(self, number: int) -> int:
        return self._ports[number % len(self._ports)]


class _Hand:
    """A thread with one connection at a time, to the next host in turn after a failure."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._turn = crowd, number
        self._connection: http.client.HTTPConnection | None = None

    def serve(self, wishes: Iterator[Wish], began: float) -> None:
        for wish in wishes:
            time.sleep(max(0.0, began + wish.at_s - time.monotonic()))
            self._crowd.ask(self, wish)

    def post(self, path: str, token: str) -> Reply:
        if self._connection is None:
            port = self._crowd.port(self._turn)
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        try:
            self._connection.request("POST", path, b"", {"Authorization": f"Bearer {token}"})
            response = self._connection.getresponse()
            return parse_reply(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            self._turn += 1
            return Reply(INFO, type(error).__name__)


def parse_reply(status: int, body: bytes) -> Reply:
    """OK for a place, FAIL for a refusal that decides, INFO for anything else."""
    try:
        document = json.loads(body)
    except ValueError:
        return Reply(INFO, f"status {status} without a document")
    if status in (200, 201, 202) and "place" in document:
        outcome = "already_claimed" if status == 200 else "admitted"
        fields = (document["place"], document["code"], document["receipt"], document["admitted_at"])
        return Reply(OK, outcome, *fields)
    code = str(document.get("code", ""))
    if code in _REFUSALS:
        return Reply(FAIL, code)
    return Reply(INFO, code if status == 503 or code == "not_open" else f"status {status} {code}")
