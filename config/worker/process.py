"""What a Celery worker does beside its tasks: it shows that it lives, hears a queue of its own, and
times its tasks."""

import fcntl
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any
from zlib import crc32

from billiard import pool
from celery import Task, bootsteps, signals
from celery.worker.request import Request
from celery.worker.strategy import default

from config.metrics import multiprocess  # the latter names files before metrics are made
from config.worker import liveness
from coupons.broker import wakeups
from coupons.monitoring import clock_skew
from coupons.observability import metrics

logger = logging.getLogger(__name__)

BEAT_S = 2.0
STALE_S = 15.0  # a main loop that did not turn for so long hangs

# Asked to stop, a worker forgets the bells that it gave to a child and heard nothing of yet. The
# child waits for them to be heard: 30 s as billiard has it, at any stop under load.
_LAST_WORDS_S = 2.0


def own_queue_name() -> str:
    """The queue that only this host's worker hears: what it does with a canary sent there tells
    about this worker, not about some other host's. The folder tells two workers of a host apart."""
    return f"canary.{socket.gethostname()}.{crc32(multiprocess.FOLDER.encode()):08x}"


def pid_file() -> Path:
    return Path(multiprocess.FOLDER) / "worker.pid"


class OwnQueue(bootsteps.StartStopStep):  # type: ignore[misc]
    """Hears its own queue, and leaves its process id in a file that stays locked while it lives:
    so `config.worker.watchdog` never takes another process for it."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, worker: Any, **options: Any) -> None:
        worker.app.amqp.queues.select_add(own_queue_name())
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        self.file = pid_file().open("a+")
        fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not shared with the pool's children
        self.file.truncate(0)
        self.file.write(str(os.getpid()))
        self.file.flush()


class Beat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Every two seconds the worker's main loop writes down the time, for `worker.consumer`."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        show_sign_of_life()
        self.timer = worker.timer.call_repeatedly(BEAT_S, show_sign_of_life)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


def show_sign_of_life() -> None:
    liveness.show_liveness(metrics.WORKER_BEAT)


_began: dict[str, float] = {}  # by the task's id; a child of the pool does one at a time


class InHand(Request):  # type: ignore[misc]
    """A message that a worker has taken. If it can't be acknowledged, the broker is lost.

    Celery logs that (`Couldn't ack …`) and goes on. But a worker whose hands are all full has no
    question open at the broker, so it hears of no loss either; and what it could not acknowledge
    stays in its hands for ever: it never asks for a message again. Let through, the error reaches
    the worker's loop, which connects anew. The message comes once more; it is a bell.
    """

    acknowledged: bool

    def maybe_expire(self) -> None:
        """Never: whatever wrote an expiry date into it wrote it by another host's clock."""

    def acknowledge(self) -> None:
        if not self.acknowledged:
            self._on_ack(logger, ())  # catching none
            self.acknowledged = True


class WakeupTask(Task):  # type: ignore[misc]
    """Base of our tasks: a message that Celery can't take apart ends itself, not the worker."""

    abstract = True
    Strategy = "config.worker.process:guarded_strategy"
    Request: Any = InHand


def guarded_strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Any:
    """Celery's own way to receive a message. An empty body, say, raises in the main process, which
    then ends, is started again, gets the same message again a minute later, and so on."""
    receive = default(task, app, consumer, **options)

    def received(
        message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any
    ) -> Any:
        try:
            return receive(message, body, ack, reject, callbacks, **more)
        except (TypeError, ValueError, KeyError, AttributeError):
            logger.exception("a message for %s could not be taken apart: thrown away", task.name)
            message.reject_log_error(logger, (*consumer.connection_errors,))
            return None

    return received


def task_began(task_id: str, **_: Any) -> None:
    _began[task_id] = time.monotonic()
    liveness.show_liveness(metrics.WORKER_SIGN)


def task_ended(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    """`state` is Celery's word: SUCCESS, FAILURE, RETRY …"""
    seconds = time.monotonic() - _began.pop(task_id, time.monotonic())
    liveness.show_liveness(metrics.WORKER_SIGN)
    metrics.TASKS.labels(task.name, (state or "unknown").lower()).observe(seconds)
    clock_skew.reporter.report(task.request.hostname or socket.gethostname())


def show_no_failures(**_: Any) -> None:
    """Each task's failures, told as 0 until the first: Prometheus sees no growth from nothing."""
    for task in wakeups.TASKS:
        metrics.TASKS.labels(task, "failure")


def install_worker_parts(app: Any) -> None:
    """Attach all this to a Celery app that is to work."""
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = int(
        _LAST_WORDS_S / pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    )
    app.steps["worker"].add(Beat)
    if multiprocess.FOLDER:
        app.steps["worker"].add(OwnQueue)
    signals.worker_init.connect(show_no_failures)
    signals.task_prerun.connect(task_began)
    signals.task_postrun.connect(task_ended)
