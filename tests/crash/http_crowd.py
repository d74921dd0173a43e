"""A hundred thousand users and more, as a program without an HTTP client library: closed load (at
most so many requests at a time) or open load (so many users a second, answered or not).

Reads its orders as JSON from standard input. Writes a line of JSON with its share of a core
(`cpu`), then one for each request: the user, when it was due, sent and ended (this machine's
monotonic clock), the status (or one of NO_ANSWER), whether there was a Retry-After, the body. At
SIGTERM no more users come, and the requests in progress are waited for.
"""

import gc
import heapq
import json
import random
import resource
import select
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from itertools import chain, count
from struct import pack

from tests.crash import wire

NO_ANSWER = {wire.RESET: "reset", -1: "timeout", -2: "dropped"}  # in place of a status
RESET, TIMEOUT, DROPPED = NO_ANSWER
_DECIDED = range(200, 500)
_AGAIN_S = (0.05, 0.25)
_IN_A_ROW = 32  # users who come before answers are read again
_BY_RESET, _IN_ORDER = pack("ii", 1, 0), pack("ii", 0, 0)  # SO_LINGER; a reset leaves no TIME_WAIT
_ADDRESSES = 16  # to connect from: each has 28,000 ports
_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT: choose it when connecting
_OUT, _IN = select.EPOLLOUT, select.EPOLLIN

# User, due, sent, ended, status, Retry-After, body.
Answer = tuple[str, float, float, float, int, bool, str]


@dataclass(frozen=True, slots=True)
class Orders:
    ports: tuple[int, ...]  # web hosts, taken in turn
    path: str
    people: list[tuple[str, str, int]]  # user, token, number of requests
    at_once: int = 0  # most requests at a time; 0: no limit
    together: bool = False  # all requests of one user at once, else one after the other
    dropped: float = 0.0  # share of requests whose connection is closed as soon as they are sent
    per_s: float = 1e9  # users who come in a second, if `at_once` allows
    patience_s: float = 10.0  # timeout of a request
    gives_up_s: float = 60.0  # after the last user came
    until_decided: bool = True  # a user without a decision (2xx to 4xx) asks again
    keep: bool = True  # connections are used again, as a load balancer does
    bodies: bool = True  # write them
    seed: int = 1


@dataclass(slots=True, eq=False)
class Person:
    user: str
    request: bytes
    left: int  # requests still to be sent
    asking: int = 0  # requests in progress
    is_decided: bool = False


@dataclass(slots=True)
class Sent:
    person: Person
    due: float
    at: float
    connection: socket.socket
    port: int
    received: bytes = b""


class HttpCrowd:
    def __init__(self, orders: Orders) -> None:
        self.orders, self.answers, self.lasted_s = orders, list[Answer](), 0.0
        self._chance = random.Random(orders.seed)
        self._asking: dict[int, Sent] = {}  # by descriptor, oldest first
        self._again: list[tuple[float, int, Person]] = []
        self._idle: dict[int, deque[socket.socket]] = {port: deque() for port in orders.ports}
        self._coming = deque(
            Person(user, wire.claim_request(orders.path, token, keep=orders.keep), times)
            for user, token, times in orders.people
        )
        self._came, self._is_over = 0, False
        self._turn, self._number, self._addresses = count(), count(), count()
        self._epoll = select.epoll()

    def play_orders(self) -> None:
        self._play_all()
        for sent in self._asking.values():  # without an answer when it gave up
            sent.connection.close()
        for connection in chain.from_iterable(self._idle.values()):
            connection.close()
        self._epoll.close()

    def _play_all(self) -> None:
        began, over = time.monotonic(), float("inf")
        while self._coming or self._again or self._asking:
            now = time.monotonic()
            self.lasted_s = now - began
            more = self._let_come(began, now)
            over = over if self._coming else min(over, now + self.orders.gives_up_s)
            if now > over:
                return
            self._ask_again()
            for descriptor, event in self._epoll.poll(0 if more else 0.001, 512):
                self._handle_event(descriptor, event)
            self._end_timeouts(now)

    def end_coming(self, *_: object) -> None:
        """No more users come."""
        self._is_over = True

    def _let_come(self, began: float, now: float) -> bool:
        """Users who are due, a few at a time: a crowd that is late must still read its answers.
        Returns whether more may be due."""
        if self._is_over:
            self._coming.clear()
        for _ in range(_IN_A_ROW):
            due = began + self._came / self.orders.per_s
            if not self._coming or now < due or not self._has_room(self._coming[0]):
                return False
            self._came += 1
            person = self._coming.popleft()
            person.asking = person.left if self.orders.together else 1
            person.left -= person.asking
            for _ in range(person.asking):
                self._send_request(person, due)
        return True

    def _has_room(self, person: Person) -> bool:
        requests = person.left if self.orders.together else 1
        return not self.orders.at_once or len(self._asking) + requests <= self.orders.at_once

    def _ask_again(self) -> None:
        while self._again and self._again[0][0] < time.monotonic():
            due, _, person = heapq.heappop(self._again)
            person.left = max(0, person.left - 1)
            person.asking += 1
            self._send_request(person, due)

    def _send_request(self, person: Person, due: float) -> None:
        port, now = self.orders.ports[next(self._turn) % len(self.orders.ports)], time.monotonic()
        try:
            connection = self._idle[port].popleft() if self._idle[port] else self._connect(port)
        except OSError:  # no descriptor or port is left
            self._end(person, (person.user, due, now, now, TIMEOUT, False, ""))
            return
        sent = Sent(person, due, now, connection, port)
        self._asking[connection.fileno()] = sent
        is_sent = _has_sent(sent)
        self._epoll.register(connection.fileno(), _IN if is_sent else _OUT)
        if is_sent:
            self._maybe_drop(sent)

    def _connect(self, port: int) -> socket.socket:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BY_RESET)
        connection.setsockopt(socket.IPPROTO_IP, _NO_PORT, 1)
        connection.bind((f"127.0.0.{next(self._addresses) % _ADDRESSES + 1}", 0))
        connection.connect_ex(("127.0.0.1", port))
        return connection

    def _maybe_drop(self, sent: Sent) -> None:
        """Never the last request of a user without a decision."""
        person = sent.person
        may = self.orders.dropped and (person.left > 0 or person.asking > 1 or person.is_decided)
        if may and self._chance.random() < self.orders.dropped:
            # A reset could take the request back.
            sent.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _IN_ORDER)
            self._done(sent, DROPPED)

    def _handle_event(self, descriptor: int, event: int) -> None:
        sent = self._asking[descriptor]
        if event & _OUT and _has_sent(sent):
            self._epoll.modify(descriptor, _IN)
            self._maybe_drop(sent)
            return
        received = wire.read_more(sent.connection)
        sent.received += received
        status = wire.answer_status(sent.received, ended=not received)
        if status is not None:
            self._done(sent, status)

    def _end_timeouts(self, now: float) -> None:
        while self._asking:
            oldest = next(iter(self._asking.values()))
            if now - oldest.at < self.orders.patience_s:
                return
            self._done(oldest, TIMEOUT)

    def _done(self, sent: Sent, status: int) -> None:
        descriptor = sent.connection.fileno()
        self._epoll.unregister(descriptor)
        del self._asking[descriptor]
        if self.orders.keep and wire.stays_open(sent.received, status):
            self._idle[sent.port].append(sent.connection)
        else:
            sent.connection.close()
        again = wire.has_header(sent.received, b"retry-after:")
        body = wire.answer_body(sent.received) if self.orders.bodies else ""
        now = time.monotonic()
        self._end(sent.person, (sent.person.user, sent.due, sent.at, now, status, again, body))

    def _end(self, person: Person, answer: Answer) -> None:
        self.answers.append(answer)
        status, now = answer[4], answer[3]
        person.asking -= 1
        person.is_decided |= status in _DECIDED
        undecided = self.orders.until_decided and not (person.is_decided or person.asking)
        if person.left > 0 or undecided:
            pause = 0.0 if status in (*_DECIDED, DROPPED) else self._chance.uniform(*_AGAIN_S)
            heapq.heappush(self._again, (now + pause, next(self._number), person))


def _has_sent(sent: Sent) -> bool:
    """False if the connection is still being made, or is broken: its next event shows which."""
    try:
        sent.connection.sendall(sent.person.request)
    except OSError:
        return False
    return True


def orders_as_json(orders: Orders) -> str:
    return json.dumps(asdict(orders))


def main() -> None:
    crowd = HttpCrowd(Orders(**json.load(sys.stdin)))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, crowd.end_coming)
    gc.disable()  # it would visit all users again and again
    before = time.process_time()
    crowd.play_orders()
    print(json.dumps({"cpu": (time.process_time() - before) / max(crowd.lasted_s, 0.001)}))
    for answer in crowd.answers:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
