"""A real HTTP server that receives webhooks, and answers, hangs or drips as a test says."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Received:
    """A request, headers by their name in lower case. `at`: monotonic seconds."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


# Answers a request on its connection, which is closed afterwards.
Behaviour = Callable[[socket.socket, Received], None]


def answer(raw: bytes) -> Behaviour:
    def behave(connection: socket.socket, _request: Received) -> None:
        connection.sendall(raw)

    return behave


def answer_status(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", *headers, "", ""]
    return answer("\r\n".join(lines).encode() + body)


def drip(raw: bytes, *, first: bytes = b"", pause_s: float = 0.05) -> Behaviour:
    """Send `first` at once, then `raw` for ever, one byte at a time."""

    def behave(connection: socket.socket, _request: Received) -> None:
        connection.sendall(first)
        with suppress(OSError):
            while True:
                for byte in raw:
                    connection.sendall(bytes([byte]))
                    time.sleep(pause_s)

    return behave


def hang(connection: socket.socket, _request: Received) -> None:
    """No answer, until the sender hangs up."""
    with suppress(OSError):
        connection.recv(1)


@dataclass
class Receiver:
    """`behaviour` may be exchanged at any time."""

    host: str
    port: int
    behaviour: Behaviour
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"


accept = answer(OK)


@contextmanager
def webhook_receiver(
    behaviour: Behaviour = accept, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Receiver]:
    with socket.create_server((host, port), backlog=256) as listening:
        receiver = Receiver(host, listening.getsockname()[1], behaviour)
        threading.Thread(target=_accept, args=(listening, receiver), daemon=True).start()
        try:
            yield receiver
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # ends `accept`


def _accept(listening: socket.socket, receiver: Receiver) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            receiver.connections += 1
            threading.Thread(target=_serve, args=(connection, receiver), daemon=True).start()


def _serve(connection: socket.socket, receiver: Receiver) -> None:
    with connection, suppress(OSError):
        request = _read_request(connection)
        if request is not None:
            receiver.received.append(request)
            receiver.behaviour(connection, request)


def _read_request(connection: socket.socket) -> Received | None:
    with connection.makefile("rb") as stream:
        words = stream.readline().decode("latin-1").split()
        if len(words) != 3:
            return None
        headers = dict[str, str]()
        while line := stream.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", "0")))
    return Received(words[1], headers, body, time.monotonic())
