"""Watchdog: terminates a stalled worker, so that its supervisor restarts it.

A worker may be alive, connected, running its main loop, and receive no messages: that has happened
to Celery on Redis after connection resets, in several versions. So every two seconds a canary is
sent to the worker's own queue. A worker has stalled if no task began or ended for
WORKER_PATIENCE_S while the broker accepted all canaries, or if its main loop wrote no heartbeat
for as long.

It runs in the consumer's process (`worker.consumer`): a hung worker can't check itself.
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

from config.worker import liveness, process, queue_limits
from config.worker.queue_limits import Broker
from coupons.broker import wakeups
from coupons.notifications import beat_watch
from coupons.observability import metrics

EVERY_S = 2.0
BEAT_LOOK_S = 15.0
KILL_AFTER_S = 10.0  # from SIGTERM to SIGKILL: a worker that can still exit returns its messages

logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a worker was terminated."""

    DEAF = "deaf"  # no task begins or ends
    STUCK = "stuck"  # the main loop hangs


_SIGNS = ((metrics.WORKER_HEARTBEAT, Reason.STUCK), (metrics.WORKER_LAST_TASK, Reason.DEAF))


@dataclass(slots=True)
class Watchdog:
    """`since`: since when the worker with this `pid` has run and the broker has accepted all of our
    canaries, by the monotonic clock. `folder`: its metrics folder; empty: our own, which we share
    with the worker that stores claims."""

    folder: str = ""
    pid: int = 0
    since: float = 0.0
    broker: Broker = field(default_factory=Broker)
    next_look: float = 0.0  # at beat, monotonic

    def watch(self) -> None:
        """Check every EVERY_S; never returns."""
        while True:
            time.sleep(EVERY_S)
            try:
                self.check_worker()
                self.trim_queues()
                self.watch_beat()
            except Exception:
                logger.exception("a round of the watchdog failed; it continues")

    def check_worker(self) -> Reason | None:
        """One round. Returns why it has terminated the worker; None: the worker is well, is not
        running, or the broker did not accept the canary."""
        now, pid = time.monotonic(), worker_pid(self.folder)
        queue = process.worker_queue_name(self.folder)
        if pid is None or pid != self.pid or not wakeups.send_canary(queue):
            self.pid, self.since = pid or 0, now
            return None
        reason = self._judge(now)
        if reason:
            end_worker(pid, reason, self.folder)
        return reason

    def trim_queues(self) -> None:
        """Trim the queues; beat does so too, but may be down."""
        queue_limits.trim_canaries(self.broker, process.worker_queue_name(self.folder))
        queue_limits.trim_wakeups(self.broker)

    def watch_beat(self) -> None:
        """While beat is silent it asks for no notifications, and that is one: ask in its place."""
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + BEAT_LOOK_S
        if beat_watch.is_anybody_named() and beat_watch.silent_beat_s() is not None:
            wakeups.notify_operators()

    def _judge(self, now: float) -> Reason | None:
        for gauge, reason in _SIGNS:
            silent_s = min(now - self.since, liveness.seconds_since(gauge, self.folder))
            if silent_s > settings.WORKER_PATIENCE_S:
                return reason
        return None


def worker_pid(folder: str = "") -> int | None:
    """The process id of the worker of this metrics folder; None if no worker runs."""
    with suppress(FileNotFoundError, ValueError), process.pid_file(folder).open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # locked: it is running
            return int(file.read())
    return None


def end_worker(pid: int, reason: Reason, folder: str = "") -> None:
    """SIGTERM, then SIGKILL after KILL_AFTER_S. The broker delivers its messages again, and other
    drains take over the claims it had read."""
    logger.error("the worker (%s) is %s: it is terminated, to be restarted", pid, reason)
    metrics.WORKERS_TERMINATED.labels(reason).inc()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_S
        while worker_pid(folder) == pid:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.1)


def export_zero_terminations() -> None:
    """Export 0 for each reason before the first: Prometheus sees no increase from an absent
    series."""
    for reason in Reason:
        metrics.WORKERS_TERMINATED.labels(reason)


def start_watchdog() -> None:
    """One for the worker that stores claims, one for each worker whose folder we add to our page:
    that of the webhooks."""
    export_zero_terminations()
    for folder in ("", *settings.METRICS_FOLDERS):
        dog = Watchdog(folder)
        threading.Thread(target=dog.watch, name="watchdog", daemon=True).start()
