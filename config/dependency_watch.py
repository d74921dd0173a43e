"""Cached health checks: one thread asks Redis, MySQL and this host's other doors once a second.

Probes read the last result: they cost the stores nothing, however many come, and never wait for a
store that hangs."""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException

from django.conf import settings
from django.db import Error, connection

from coupons.errors import CouponError
from coupons.readiness.workers import SWEEP_RED_S
from coupons.store import store

logger = logging.getLogger(__name__)

EVERY_S = 1.0
PATIENCE_S = 1.0  # timeout of one check of MySQL or a door; MySQL's driver would wait for ten
STALE_S = 10.0  # an older result counts as no result
# A busy door answers late: it counts as down only after it was silent for so long.
DOOR_SILENT_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of one round of checks, and when it ended (`time.monotonic`). `sweeps`: beat's
    sweep task ran less than SWEEP_RED_S ago."""

    redis: bool
    database: bool
    doors: bool
    sweeps: bool
    at: float

    @property
    def is_stale(self) -> bool:
        return time.monotonic() - self.at > STALE_S


class DependencyWatch:
    """Checks once a second, starting with the first call of `seen`, which waits for its result."""

    def __init__(self) -> None:
        self._seen: Seen | None = None
        self._starting = threading.Lock()
        self._database = _DatabaseProbe()
        self._doors = [_DoorProbe(address) for address in settings.WATCHED_DOORS]

    def seen(self) -> Seen:
        """The latest result. Waits for the stores only in the first call."""
        return self._seen or self._start()

    def check_now(self) -> Seen:
        """One round of checks. Waits at most REDIS_TIMEOUT_S for each call to Redis, PATIENCE_S for
        MySQL and for each door."""
        answers = [door.answers() for door in self._doors]  # every door, also after one failed
        redis, database = _redis_answers(), self._database.answers()
        sweeps = redis and _somebody_sweeps()
        now = time.monotonic()
        return Seen(redis=redis, database=database, doors=all(answers), sweeps=sweeps, at=now)

    def close(self) -> None:
        """End the thread that asks MySQL, with its connection. Not for one that has started."""
        self._database.close()

    def _start(self) -> Seen:
        with self._starting:
            if self._seen is None:
                self._seen = self.check_now()
                threading.Thread(target=self._run, name="dependency-watch", daemon=True).start()
            return self._seen

    def _run(self) -> None:
        while True:
            time.sleep(EVERY_S)
            try:
                self._seen = self.check_now()
            except Exception:  # the last result becomes stale, and probes then answer 503
                logger.exception("the health check of the stores failed")


def _redis_answers() -> bool:
    try:
        return store().server.now_ms() > 0
    except CouponError:
        return False


def _somebody_sweeps() -> bool:
    try:
        age_ms = store().wakeups.sweep_age_ms()
    except CouponError:
        return False
    return age_ms is not None and age_ms < 1000 * SWEEP_RED_S


class _DatabaseProbe:
    """One query at a time, on a connection of its own: while one hangs, no other is sent."""

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

    def close(self) -> None:
        self._asking.submit(_close_connection)
        self._asking.shutdown()


def _close_connection() -> None:
    """The calling thread's."""
    connection.close()


def _select_one() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()  # the next query opens a new one
        return False
    return True


class _DoorProbe:
    """Another web process of this host; any HTTP response to `HEAD /` counts as up."""

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
    """The headers that the front sends: an allowed host name, and TLS as the original scheme."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    host = names[0] if names else "localhost"
    return {"Host": host, "X-Forwarded-Proto": "https", "Connection": "close"}


@cache
def dependency_watch() -> DependencyWatch:
    """The one instance of this process."""
    return DependencyWatch()
