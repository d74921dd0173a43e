"""Ends a worker that has stalled, so that its supervisor starts it again.

A worker may live, be connected, turn its main loop, and hear nothing any more: that has happened to
Celery on Redis after connection resets, in several versions. So every two seconds a canary is sent
to the worker's own queue. A worker gives a sign with every task that begins or ends; one that gave
none for WORKER_PATIENCE_S, while the broker took our canaries all the time, has stalled. So has one
whose main loop stands still.

It runs in the consumer's process (`worker.consumer`): a stuck worker can't look after itself.
"""

import fcntl
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings

from config.worker import liveness, message_limits, process
from config.worker.message_limits import Broker
from coupons.broker import wakeups
from coupons.observability import metrics

EVERY_S = 2.0
SOFTLY_S = 10.0  # a stalled worker that can still end by itself gives back what it has taken

logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a worker was ended."""

    DEAF = "deaf"  # no task begins or ends
    STUCK = "stuck"  # the main loop stands still


_SIGNS = ((metrics.WORKER_BEAT, Reason.STUCK), (metrics.WORKER_SIGN, Reason.DEAF))


@dataclass(slots=True)
class Watchdog:
    """`since` is when all that a worker needs to give a sign was there: it, us, the broker."""

    pid: int = 0
    since: float = 0.0
    broker: Broker = field(default_factory=Broker)

    def watch(self) -> None:
        """For ever."""
        while True:
            time.sleep(EVERY_S)
            try:
                self.check_worker()
                self.keep_messages_few()
            except Exception:
                logger.exception("the watchdog stumbled and goes on")

    def check_worker(self) -> Reason | None:
        """One round. Why it has ended the worker; None: all is well, or nothing can be said."""
        now, pid = time.monotonic(), worker_pid()
        if pid is None or pid != self.pid or not wakeups.send_canary(process.own_queue_name()):
            self.pid, self.since = pid or 0, now
            return None
        reason = self._judge(now)
        if reason:
            end_worker(pid, reason)
        return reason

    def keep_messages_few(self) -> None:
        """Also where no beat does it."""
        message_limits.throw_away_old_canaries(self.broker, process.own_queue_name())
        message_limits.throw_away_old_bells(self.broker)

    def _judge(self, now: float) -> Reason | None:
        for gauge, reason in _SIGNS:
            silent_s = min(now - self.since, liveness.seconds_since(gauge))
            if silent_s > settings.WORKER_PATIENCE_S:
                return reason
        return None


def worker_pid() -> int | None:
    """The worker's process id; None where there is no worker."""
    with suppress(FileNotFoundError, ValueError), process.pid_file().open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # locked: it lives
            return int(file.read())
    return None


def end_worker(pid: int, reason: Reason) -> None:
    """Asked first, then killed. What it took is delivered again, what it read is taken over."""
    logger.error("the worker (%s) is %s: it is ended, to be started again", pid, reason)
    metrics.WORKER_ENDED.labels(reason).inc()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + SOFTLY_S
        while worker_pid() == pid:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.1)


def show_nobody_ended() -> None:
    """Each reason told as 0 until the first time: Prometheus sees no growth from nothing."""
    for reason in Reason:
        metrics.WORKER_ENDED.labels(reason)


def start_watchdog() -> None:
    show_nobody_ended()
    threading.Thread(target=Watchdog().watch, name="watchdog", daemon=True).start()
