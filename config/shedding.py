"""Load shedding: of more requests than can be served, none waits much longer than SHED_AFTER_S; the
rest are told 503 and when to come again, at once and at a fraction of an answer's cost.

What an overloaded server has too much of is its queue, and that lies where Python can't see it: in
the HTTP server and in the kernel. So it is measured. Ten times a second each process sends a marked
request to its own port; it waits in line as all others do, and whoever of the processes gets it
knows how long its own line is. A crowd that is served within the second is never turned away.
"""

import hmac
import logging
import random
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings

from config.health import PROBES
from coupons import metrics
from coupons.api import problems

MARK = "/waiting-time"  # the marked request's path
_EVERY_S = 0.1
_OPEN_AT_ONCE = 30  # marked requests on their way: three seconds' worth
_OLD_S = 2.0  # a measurement says nothing about now after so long
_RETRY_S = 2
_ANY = "0.0.0.0"  # noqa: S104 - nothing is bound to it here

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

logger = logging.getLogger(__name__)


class Shedder:
    """An application in front of another one."""

    def __init__(self, behind: Application) -> None:
        self._behind = behind
        self._refuse_until = 0.0
        self._sensor: Sensor | None = None

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        if self._sensor is None and "SERVER_SOFTWARE" in environ and settings.SHED_AFTER_S:
            self._sensor = Sensor(environ["SERVER_NAME"], int(environ["SERVER_PORT"]))
        path = environ["PATH_INFO"]
        if path == MARK:
            return self._measure(environ, start)
        if self._refuse_until and self._is_late(path):
            return _refuse(start)
        return self._behind(environ, start)

    def _is_late(self, path: str) -> bool:
        """Probes must go on telling the truth, and operators must get in."""
        if time.monotonic() > self._refuse_until:
            self._refuse_until = 0.0
        return bool(self._refuse_until) and path not in PROBES and not path.startswith("/admin/")

    def _measure(self, environ: Environ, start: Start) -> Iterable[bytes]:
        waited_s = waited(environ.get("HTTP_X_MARK", ""))
        if waited_s is None:  # not ours: nobody else has anything to ask here
            start("404 Not Found", [("Content-Length", "0")])
            return [b""]
        metrics.LINE_SECONDS.set(waited_s)
        late = waited_s > settings.SHED_AFTER_S
        self._refuse_until = time.monotonic() + _OLD_S if late else 0.0
        start("204 No Content", [])
        return [b""]


def _refuse(start: Start) -> Iterable[bytes]:
    metrics.SHED.inc()
    start(
        "503 Service Unavailable",
        [
            ("Content-Type", problems.MEDIA_TYPE),
            ("Content-Length", str(len(_BODY))),
            ("Retry-After", str(random.randint(_RETRY_S, 3 * _RETRY_S))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),  # kept open, it would keep somebody else from being accepted
        ],
    )
    return [_BODY]


_BODY = problems.encoded(
    503, "overloaded", "Too many requests at once",
    "Nothing was decided. Please try again in a moment. Asking again is safe.",
)  # fmt: skip


# Marks: when they were sent, by the clock that all processes of this host share


def mark() -> str:
    sent = f"{time.monotonic():.6f}.{secrets.token_hex(4)}"
    return f"{sent}.{_signed(sent)}"


def waited(said: str) -> float | None:
    """Seconds since it was sent; None for a mark that none of our processes made."""
    sent, _, signature = said.rpartition(".")
    if not hmac.compare_digest(_signed(sent).encode(), signature.encode(errors="replace")):
        return None
    return max(0.0, time.monotonic() - float(sent.rpartition(".")[0]))


def _signed(sent: str) -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), f"mark {sent}".encode(), "sha256").hex()[:32]


class Sensor:
    """Sends marks to the address we listen on, and does not wait for what becomes of them."""

    def __init__(self, host: str, port: int) -> None:
        self._address = ("127.0.0.1" if host == _ANY else host, port)
        self._sent: deque[socket.socket] = deque()
        threading.Thread(target=self._run, name="waiting-time", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY_S * random.uniform(0.8, 1.2))
            with suppress(OSError):  # the line is so long that it takes no more: others are in it
                self._send()

    def _send(self) -> None:
        if len(self._sent) >= _OPEN_AT_ONCE:
            self._sent.popleft().close()
        connection = socket.create_connection(self._address, timeout=0.5)
        self._sent.append(connection)
        request = f"GET {MARK} HTTP/1.1\r\nHost: localhost\r\nX-Mark: {mark()}\r\n"
        connection.sendall(f"{request}Connection: close\r\n\r\n".encode())
