"""Whether Redis, MySQL and this host's other doors answer: asked once a second by one thread, so
that being asked costs nothing, however often, and nobody who asks waits for a store that hangs."""

import logging
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException

from django.conf import settings
from django.db import Error, connection

from coupons.errors import CouponError
from coupons.monitoring import clock_skew
from coupons.readiness.workers import SWEEP_RED_S
from coupons.store import store

logger = logging.getLogger(__name__)

EVERY_S = 1.0
PATIENCE_S = 1.0  # for one answer of MySQL; its driver would wait for ten
STALE_S = 10.0  # what was seen before then says nothing about now
# A door that is busy answers late: only one that is silent for so long counts as gone.
DOOR_SILENT_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What answered at the last look, and when that was (`time.monotonic`). `sweeps`: beat's work
    was done of late."""

    redis: bool
    database: bool
    doors: bool
    sweeps: bool
    at: float

    @property
    def is_stale(self) -> bool:
        return time.monotonic() - self.at > STALE_S


class DependencyWatch:
    """Looks once a second, from the first question on; the first question waits for its look.
    The process that it runs in, a `role` of this host, also reports its clock."""

    def __init__(self, role: str = "web") -> None:
        self._process = f"{role}@{socket.gethostname()}"
        self._seen: Seen | None = None
        self._starting = threading.Lock()
        self._database = _DatabaseProbe()
        self._doors = [_DoorProbe(address) for address in settings.WATCHED_DOORS]

    def seen(self) -> Seen:
        """The latest look. Never waits for a store, but for the first time."""
        return self._seen or self._start()

    def ask_now(self) -> Seen:
        """Ask now: Redis for REDIS_TIMEOUT_S at most, MySQL and each door for PATIENCE_S."""
        answers = [door.answers() for door in self._doors]  # each of them, whatever another says
        redis, database = _redis_answers(), self._database.answers()
        sweeps = redis and _somebody_sweeps()
        now = time.monotonic()
        return Seen(redis=redis, database=database, doors=all(answers), sweeps=sweeps, at=now)

    def _start(self) -> Seen:
        with self._starting:
            if self._seen is None:
                self._seen = self.ask_now()
                threading.Thread(target=self._run, name="dependency-watch", daemon=True).start()
            return self._seen

    def _run(self) -> None:
        while True:
            time.sleep(EVERY_S)
            try:
                self._seen = self.ask_now()
                clock_skew.reporter.report(self._process)
            except Exception:  # what was seen last gets stale, and whoever asks is told so
                logger.exception("the look at the stores failed")


def _redis_answers() -> bool:
    try:
        return store().now_ms() > 0
    except CouponError:
        return False


def _somebody_sweeps() -> bool:
    try:
        age_ms = store().sweep_age_ms()
    except CouponError:
        return False
    return age_ms is not None and age_ms < 1000 * SWEEP_RED_S


class _DatabaseProbe:
    """One question at a time, on a connection of its own: while one hangs, no other is sent."""

    def __init__(self) -> None:
        self._asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database-probe")
        self._asked: Future[bool] | None = None

    def answers(self) -> bool:
        if self._asked is not None and not self._asked.done():
            return False
        self._asked = self._asking.submit(_select_one)
        try:
            return self._asked.result(timeout=PATIENCE_S)
        except TimeoutError:
            return False


def _select_one() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()  # the next question opens a fresh one
        return False
    return True


class _DoorProbe:
    """Another process of this host, asked for a path that it has not: any answer will do."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._host, self._port = address
        self._answered = -DOOR_SILENT_S

    def answers(self) -> bool:
        try:
            self._ask()
        except ConnectionRefusedError:
            return False  # nothing listens there
        except (OSError, HTTPException):
            return time.monotonic() - self._answered < DOOR_SILENT_S
        self._answered = time.monotonic()
        return True

    def _ask(self) -> None:
        asking = HTTPConnection(self._host, self._port, timeout=PATIENCE_S)
        try:
            asking.request("HEAD", "/", headers=_our_own_headers())
            asking.getresponse()
        finally:
            asking.close()


def _our_own_headers() -> dict[str, str]:
    """As the front asks: by a name that is allowed, over what counts as TLS."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    host = names[0] if names else "localhost"
    return {"Host": host, "X-Forwarded-Proto": "https", "Connection": "close"}


@cache
def dependency_watch(role: str = "web") -> DependencyWatch:
    """This process's."""
    return DependencyWatch(role)
