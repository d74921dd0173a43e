"""An open-loop crowd, as a program: so many requests a second, whether answers come or not.

Each person has a connection of their own (or takes one that lies idle, as a balancer's would), and
waits from the moment they meant to ask. Reads what to do as JSON from its input, writes what each
was told as JSON to its output.
"""

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

RESET, TOO_LATE = 0, -1  # in place of a status
_AT_ONCE = pack("ii", 1, 0)  # SO_LINGER: leave no port behind in TIME_WAIT
_HOSTS = 16  # addresses to come from: each has 28,000 ports
_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT: choose it when connecting
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
    request: bytes
    connection: socket.socket
    fresh: bool = True
    heard: bytes = b""


class Flood:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.told: list[tuple[int, float, bool]] = []  # status, seconds, Retry-After was there
        self.lasted_s = 0.0
        self._asking: dict[int, Person] = {}
        self._idle: deque[socket.socket] = deque()
        self._epoll = select.epoll()
        self._hosts = count()

    def play(self) -> None:
        began, tokens = time.monotonic() + 0.1, deque(self.orders.tokens)
        number = 0
        while tokens or self._asking:
            self.lasted_s = time.monotonic() - began
            now = time.monotonic()
            while tokens and began + number / self.orders.per_s <= now and self._has_room():
                self._ask(began + number / self.orders.per_s, tokens.popleft())
                number += 1
            for descriptor, event in self._epoll.poll(0.001, 512):
                self._hear(descriptor, event)
            if number % 100 == 0 or not tokens:
                self._lose_patience(now)

    def _ask(self, due: float, token: str) -> None:
        try:
            connection = self._idle.popleft() if self._idle else self._fresh()
        except OSError:  # no descriptor is left, so many wait
            self.told.append((TOO_LATE, self.orders.patience_s, False))
            return
        person = Person(due, _request(self.orders, token), connection)
        self._asking[connection.fileno()] = person
        self._epoll.register(connection.fileno(), _OUT)

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
        try:
            if event & _OUT:
                person.connection.sendall(person.request)
                self._epoll.modify(descriptor, _IN)
                return
            said = person.connection.recv(8192)
        except OSError:
            said = b""
        person.heard += said
        if not said:
            self._done(person, RESET, keep=False)
        elif _is_whole(person.heard):
            closes = b"\r\nconnection: close" in person.heard.lower()
            self._done(person, int(person.heard[9:12]), keep=self.orders.reuse and not closes)

    def _done(self, person: Person, status: int, *, keep: bool) -> None:
        descriptor = person.connection.fileno()
        self._epoll.unregister(descriptor)
        del self._asking[descriptor]
        again = b"\r\nretry-after:" in person.heard.lower()
        self.told.append((status, time.monotonic() - person.due, again))
        if keep:
            self._idle.append(person.connection)
        else:
            person.connection.close()

    def _lose_patience(self, now: float) -> None:
        """Who came first waits longest."""
        while self._asking:
            first = next(iter(self._asking.values()))
            if now - first.due < self.orders.patience_s:
                return
            self._done(first, TOO_LATE, keep=False)


def _request(orders: Orders, token: str) -> bytes:
    keep = "" if orders.reuse else "Connection: close\r\n"
    return (
        f"POST {orders.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{keep}"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


def _is_whole(heard: bytes) -> bool:
    head, blank, body = heard.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


def orders_as_json(orders: Orders) -> str:
    return json.dumps(asdict(orders))


def main() -> None:
    said: dict[str, Any] = json.load(sys.stdin)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood = Flood(Orders(**said))
    flood.play()
    json.dump({"told": flood.told, "cpu": time.process_time() / flood.lasted_s}, sys.stdout)


if __name__ == "__main__":
    main()
