"""An open-loop crowd, as a program: so many requests a second, whether answers come or not.

Each person has a connection of their own (or takes one that lies idle, as a balancer's would), and
waits from the moment they meant to ask. Reads what to do as JSON from its input, writes what each
was told as JSON to its output.
"""

import gc
import json
import resource
import select
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from itertools import count
from struct import pack
from typing import Any

from tests.crash import wire

TOO_LATE = -1  # in place of a status, as wire.RESET
_AT_ONCE = pack("ii", 1, 0)  # SO_LINGER: leave no port behind in TIME_WAIT
_HOSTS = 16  # addresses to come from: each has 28,000 ports
_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT: choose it when connecting
_IN_A_ROW = 32  # people who come before answers are heard again
_OUT, _IN = select.EPOLLOUT, select.EPOLLIN


@dataclass(frozen=True, slots=True)
class Orders:
    port: int
    path: str
    tokens: list[str]  # a person each, in order
    per_s: float
    patience_s: float
    reuse: bool = False  # connections are kept, as a balancer keeps them
    at_most: int = 0  # people at once; the next one comes when one is done. 0: no limit


@dataclass(slots=True)
class Person:
    due: float
    asked: float  # later than due, if the crowd is slow
    request: bytes
    connection: socket.socket
    fresh: bool = True
    heard: bytes = b""


class Flood:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        # Status, seconds since they meant to ask, Retry-After was there, seconds since they asked.
        self.told: list[tuple[int, float, bool, float]] = []
        self.lasted_s = 0.0
        self.late_s: list[float] = []  # that each came after their time: the crowd's own fault
        self._asking: dict[int, Person] = {}
        self._idle: deque[socket.socket] = deque()
        self._epoll = select.epoll()
        self._hosts = count()

    def play(self) -> None:
        began, waiting = time.monotonic() + 0.1, deque(self.orders.tokens)
        while waiting or self._asking:
            now = time.monotonic()
            self.lasted_s = now - began
            more = self._come(waiting, self.lasted_s, now)
            for descriptor, event in self._epoll.poll(0 if more else 0.001, 512):
                self._hear(descriptor, event)
            self._lose_patience(now)

    def _come(self, waiting: deque[str], passed_s: float, now: float) -> bool:
        """Whose time has come, a few of them: a crowd that is behind must still hear its answers.
        True if others may be due."""
        for _ in range(_IN_A_ROW):
            late_s = passed_s - len(self.late_s) / self.orders.per_s
            if not waiting or late_s < 0 or not self._has_room():
                return False
            self.late_s.append(late_s)
            self._ask(now - late_s, waiting.popleft())
        return True

    def _ask(self, due: float, token: str) -> None:
        try:
            connection = self._idle.popleft() if self._idle else self._fresh()
        except OSError:  # no descriptor is left, so many wait
            self.told.append((TOO_LATE, self.orders.patience_s, False, self.orders.patience_s))
            return
        request = wire.claim(self.orders.path, token, keep=self.orders.reuse)
        person = Person(due, time.monotonic(), request, connection)
        self._asking[connection.fileno()] = person
        self._epoll.register(connection.fileno(), _IN if self._sent(person) else _OUT)

    def _sent(self, person: Person) -> bool:
        """False while the connection is still being made, or is broken: its events will tell."""
        try:
            person.connection.sendall(person.request)
        except OSError:
            return False
        return True

    def _has_room(self) -> bool:
        return not self.orders.at_most or len(self._asking) < self.orders.at_most

    def _fresh(self) -> socket.socket:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        connection.setsockopt(socket.IPPROTO_IP, _NO_PORT, 1)
        connection.bind((f"127.0.0.{next(self._hosts) % _HOSTS + 1}", 0))
        connection.connect_ex(("127.0.0.1", self.orders.port))
        return connection

    def _hear(self, descriptor: int, event: int) -> None:
        person = self._asking[descriptor]
        if event & _OUT and self._sent(person):
            self._epoll.modify(descriptor, _IN)
            return
        said = wire.more(person.connection)
        person.heard += said
        status = wire.status(person.heard, ended=not said)
        if status is not None:
            self._done(person, status)

    def _done(self, person: Person, status: int) -> None:
        descriptor = person.connection.fileno()
        self._epoll.unregister(descriptor)
        del self._asking[descriptor]
        again = wire.has(person.heard, b"retry-after:")
        now = time.monotonic()
        self.told.append((status, now - person.due, again, now - person.asked))
        if self.orders.reuse and wire.stays_open(person.heard, status):
            self._idle.append(person.connection)
        else:
            person.connection.close()

    def _lose_patience(self, now: float) -> None:
        """Who came first waits longest."""
        while self._asking:
            first = next(iter(self._asking.values()))
            if now - first.due < self.orders.patience_s:
                return
            self._done(first, TOO_LATE)


def orders_as_json(orders: Orders) -> str:
    return json.dumps(asdict(orders))


def main() -> None:
    said: dict[str, Any] = json.load(sys.stdin)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood = Flood(Orders(**said))
    gc.disable()  # it would look through all who wait, again and again
    flood.play()
    json.dump(
        {"told": flood.told, "late": flood.late_s, "cpu": time.process_time() / flood.lasted_s},
        sys.stdout,
    )


if __name__ == "__main__":
    main()
