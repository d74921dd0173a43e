"""Load shedding by queueing delay: when requests wait longer than SHED_AFTER_S for a thread, new
ones are refused at once with 503 and Retry-After, at a fraction of the cost of an answer.

The queue of an overloaded server is in the HTTP server and in the kernel, where Python can't see
it. So its delay is measured. Ten times a second each process sends a marked request (a probe) to
its own port, which waits like all others. The process that receives a mark learns how long it
waited; the process that sent it knows how long it has waited so far. Requests that are served
within SHED_AFTER_S are never refused.
"""

import hmac
import logging
import random
import re
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from config.probes import PROBES
from coupons.api import problems, translations
from coupons.observability import hot_counters, metrics, refusal_notes

MARK = "/waiting-time"  # the marked request's path
_EVERY_S = 0.1
_MOST = 300  # marked requests in flight
_LOST_S = 60.0  # after so long one counts as lost
_OLD_S = 2.0  # how long a measurement is valid
_RETRY_S = 2
_ANY = "0.0.0.0"  # noqa: S104 - nothing is bound to it here

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

logger = logging.getLogger(__name__)
# A generator of its own: drawing from the global one would disturb code that has seeded it.
_dice = random.Random()


def _is_served(environ: Environ) -> bool:
    """By granian. Django's development server would log each mark, and nobody overloads it."""
    return str(environ.get("SERVER_SOFTWARE", "")).lower().startswith("granian")


class Shedder:
    """WSGI middleware: refuses requests for `behind` while the queueing delay is too long."""

    def __init__(self, behind: Application) -> None:
        self._behind = behind
        self._refuse_until = 0.0
        self._sensor: Sensor | None = None

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        if self._sensor is None and settings.SHED_AFTER_S and _is_served(environ):
            address = environ["SERVER_NAME"], int(environ["SERVER_PORT"])
            self._sensor = Sensor(*address, when_late=self._refuse_for_a_while)
        path = environ["PATH_INFO"]
        if path == MARK:
            return self._measure(environ, start)
        if self._refuse_until and self._is_late(path):
            _count_refusal(environ)
            return _refuse(environ, start)
        return self._behind(environ, start)

    def _is_late(self, path: str) -> bool:
        """Whether to refuse a request for this path. Never a health probe or an operator's page."""
        if time.monotonic() > self._refuse_until:
            self._refuse_until = 0.0
        return bool(self._refuse_until) and path not in PROBES and not path.startswith("/admin/")

    def _refuse_for_a_while(self) -> None:
        self._refuse_until = time.monotonic() + _OLD_S

    def _measure(self, environ: Environ, start: Start) -> Iterable[bytes]:
        waited_s = seconds_since_mark(environ.get("HTTP_X_MARK", ""))
        if waited_s is None:  # not sent by one of our processes
            start("404 Not Found", [("Content-Length", "0")])
            return [b""]
        metrics.REQUEST_QUEUE_SECONDS.set(waited_s)
        if waited_s > settings.SHED_AFTER_S:
            self._refuse_for_a_while()
        else:
            self._refuse_until = 0.0
        start("204 No Content", [])
        return [b""]


def _count_refusal(environ: Environ) -> None:
    metrics.REQUESTS_SHED.inc()
    claim = _CLAIM.fullmatch(environ["PATH_INFO"])
    if claim and environ.get("REQUEST_METHOD") == "POST":
        hot_counters.count_turned_away(claim["slug"], _CODE)
        refusal_notes.note_shed(claim["slug"], environ.get("HTTP_AUTHORIZATION", ""))


def _refuse(environ: Environ, start: Start) -> Iterable[bytes]:
    body, language = translations.translated_document(
        _BODY, environ.get("HTTP_ACCEPT_LANGUAGE", "")
    )
    headers = [
        ("Content-Type", problems.MEDIA_TYPE),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(random.randint(_RETRY_S, 3 * _RETRY_S))),
        ("Cache-Control", "no-store"),
    ]
    if language:
        headers.append(("Content-Language", language))
    start("503 Service Unavailable", headers)
    return [body]


TITLE = gettext_noop("Too many requests at once")
DETAIL = gettext_noop("Nothing was decided. Please try again in a moment. Asking again is safe.")
_CODE = "overloaded"
_BODY = problems.encoded_problem(503, _CODE, TITLE, DETAIL)
_CLAIM = re.compile(r"/(?:api/v1/campaigns|events)/(?P<slug>[^/]{1,64})/claims?")


# A mark is a signed time of sending, by the monotonic clock, which this host's processes share


def time_mark() -> str:
    sent = f"{time.monotonic():.6f}.{secrets.token_hex(4)}"
    return f"{sent}.{_signed(sent)}"


def seconds_since_mark(mark: str) -> float | None:
    """Seconds since the mark was made; None if its signature is not ours."""
    sent, _, signature = mark.rpartition(".")
    if not hmac.compare_digest(_signed(sent).encode(), signature.encode(errors="replace")):
        return None
    return max(0.0, time.monotonic() - float(sent.rpartition(".")[0]))


def _signed(sent: str) -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), f"mark {sent}".encode(), "sha256").hex()[:32]


class Sensor:
    """Sends marks to the address we listen on, and calls `when_late` if one is not answered within
    SHED_AFTER_S, or if none can be sent.

    The receiver of a mark learns how long it waited only after the wait: behind all requests of a
    crowd that came at once. The sender sees at once that its oldest mark is still unanswered.
    """

    def __init__(self, host: str, port: int, when_late: Callable[[], None]) -> None:
        self._address = ("127.0.0.1" if host == _ANY else host, port)
        self._when_late = when_late
        self._sent: deque[tuple[float, socket.socket]] = deque()  # in flight, the oldest first
        threading.Thread(target=self._run, name="waiting-time", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY_S * _dice.uniform(0.8, 1.2))
            self._forget_answered()
            if self._oldest_s() > settings.SHED_AFTER_S:
                self._when_late()
            if len(self._sent) < _MOST:
                self._send()

    def _oldest_s(self) -> float:
        return time.monotonic() - self._sent[0][0] if self._sent else 0.0

    def _forget_answered(self) -> None:
        for _ in range(len(self._sent)):
            sent, connection = self._sent.popleft()
            if _is_silent(connection) and time.monotonic() - sent < _LOST_S:
                self._sent.append((sent, connection))
            else:
                connection.close()

    def _send(self) -> None:
        try:
            connection = socket.create_connection(self._address, timeout=0.5)
            self._sent.append((time.monotonic(), connection))
            request = f"GET {MARK} HTTP/1.1\r\nHost: localhost\r\nX-Mark: {time_mark()}\r\n"
            connection.sendall(f"{request}Connection: close\r\n\r\n".encode())
            connection.setblocking(False)
        except OSError:  # the queue of connections is full, or connecting took too long
            self._when_late()


def _is_silent(connection: socket.socket) -> bool:
    try:
        connection.recv(512)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
