"""A hundred thousand people and more, as a program: they ask over connections that are kept, each
as often as ordered, some don't wait for their answer, and who knows nothing yet asks again.

Reads its orders as JSON from its input. Asked to end (SIGTERM), it lets nobody come any more and
hears those who asked. Writes what was heard to its output, a line each: the user,
when it was sent and when heard (this machine's monotonic clock), the status, the body.
"""

import gc
import heapq
import json
import random
import select
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from itertools import count

from tests.crash import wire

UNHEARD = {wire.RESET: "reset", -1: "timeout", -2: "dropped"}  # in place of a status
RESET, TIMEOUT, DROPPED = UNHEARD
_DECIDED = range(200, 500)
_AGAIN_S = (0.05, 0.25)
_IN_A_ROW = 16  # people who come before answers are heard again

Said = tuple[str, float, float, int, str]


@dataclass(frozen=True, slots=True)
class Orders:
    ports: tuple[int, ...]  # web hosts, taken in turn
    path: str
    people: list[tuple[str, str, int]]  # user, token, how often they ask
    at_once: int  # asks at most
    together: bool = False  # all asks of one person at once, else one after the other
    dropped: float = 0.0  # so large a part hangs up as soon as it has asked
    per_s: float = 1e9  # people who come in a second, where there is room for them
    patience_s: float = 10.0
    gives_up_s: float = 60.0  # after the last one came
    seed: int = 1


@dataclass(slots=True, eq=False)
class Person:
    user: str
    request: bytes
    left: int  # times still to ask
    asking: int = 0  # asks under way
    knows: bool = False


@dataclass(slots=True)
class Sent:
    person: Person
    connection: socket.socket
    port: int
    at: float
    heard: bytes = b""


class Throng:
    def __init__(self, orders: Orders) -> None:
        self.orders, self.said = orders, list[Said]()
        self._chance = random.Random(orders.seed)
        self._asking: dict[int, Sent] = {}
        self._again: list[tuple[float, int, Person]] = []
        self._idle: dict[int, deque[socket.socket]] = {port: deque() for port in orders.ports}
        self._coming = deque(_person(orders, *each) for each in orders.people)
        self._is_enough = False
        self._turn, self._number, self._epoll = count(), count(), select.epoll()

    def play(self) -> None:
        orders, coming = self.orders, self._coming
        began, came, over = time.monotonic(), 0, float("inf")
        while (coming or self._again or self._asking) and time.monotonic() < over:
            for _ in range(_IN_A_ROW):
                if not coming or time.monotonic() - began < came / orders.per_s:
                    break
                if not self._begins(coming):
                    break
                came += 1
            if self._is_enough:
                coming.clear()
            if not coming:
                over = min(over, time.monotonic() + orders.gives_up_s)
            self._ask_again()
            for descriptor, _ in self._epoll.poll(0.001, 512):
                self._hear(descriptor)
            self._lose_patience()

    def enough(self, *_: object) -> None:
        """Nobody comes any more."""
        self._is_enough = True

    def _begins(self, coming: deque[Person]) -> bool:
        """False: there is no room yet for all that this person asks at once."""
        times = coming[0].left if self.orders.together else 1
        if len(self._asking) + times > self.orders.at_once:
            return False
        person = coming.popleft()
        person.left -= times
        person.asking = times
        for _ in range(times):
            self._ask(person)
        return True

    def _ask_again(self) -> None:
        while self._again and self._again[0][0] < time.monotonic():
            person = heapq.heappop(self._again)[2]
            person.left = max(0, person.left - 1)
            person.asking += 1
            self._ask(person)

    def _ask(self, person: Person) -> None:
        port = self.orders.ports[next(self._turn) % len(self.orders.ports)]
        at = time.monotonic()
        try:
            connection = self._idle[port].popleft() if self._idle[port] else _connected(port)
            connection.sendall(person.request)
        except OSError:
            self._end(person, at, RESET, "")
            return
        if self._hangs_up(person):
            connection.close()
            self._end(person, at, DROPPED, "")
            return
        self._asking[connection.fileno()] = Sent(person, connection, port, at)
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _hangs_up(self, person: Person) -> bool:
        """Never the last ask of somebody who knows nothing yet."""
        may = person.left > 0 or person.asking > 1 or person.knows
        return may and self._chance.random() < self.orders.dropped

    def _hear(self, descriptor: int) -> None:
        sent = self._asking[descriptor]
        said = wire.more(sent.connection)
        sent.heard += said
        status = wire.status(sent.heard, ended=not said)
        if status is not None:
            self._done(sent, status)

    def _lose_patience(self) -> None:
        """Who asked first waits longest."""
        late = time.monotonic() - self.orders.patience_s
        while self._asking and (first := next(iter(self._asking.values()))).at < late:
            self._done(first, TIMEOUT)

    def _done(self, sent: Sent, status: int) -> None:
        descriptor = sent.connection.fileno()
        self._epoll.unregister(descriptor)
        del self._asking[descriptor]
        if wire.stays_open(sent.heard, status):
            self._idle[sent.port].append(sent.connection)
        else:
            sent.connection.close()
        self._end(sent.person, sent.at, status, wire.body(sent.heard))

    def _end(self, person: Person, at: float, status: int, body: str) -> None:
        now = time.monotonic()
        self.said.append((person.user, at, now, status, body))
        person.asking -= 1
        person.knows |= status in _DECIDED
        if person.left > 0 or not (person.knows or person.asking):
            pause = 0.0 if status in (*_DECIDED, DROPPED) else self._chance.uniform(*_AGAIN_S)
            heapq.heappush(self._again, (now + pause, next(self._number), person))


def _person(orders: Orders, user: str, token: str, times: int) -> Person:
    return Person(user, wire.claim(orders.path, token), times)


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return connection


def as_json(orders: Orders) -> str:
    return json.dumps(asdict(orders))


def main() -> None:
    throng = Throng(Orders(**json.load(sys.stdin)))
    signal.signal(signal.SIGTERM, throng.enough)
    gc.disable()  # it would look through all who wait, again and again
    throng.play()
    for said in throng.said:
        print(json.dumps(said))


if __name__ == "__main__":
    main()
