"""What a Celery worker does beside its tasks: it writes heartbeats, consumes a queue of its own,
and measures its tasks."""

import fcntl
import logging
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from billiard import pool
from celery import Task, bootsteps, signals
from celery.worker.request import Request
from celery.worker.strategy import default

from config.metrics import multiprocess  # first: it names the files before metrics are made
from config.worker import liveness
from config.worker.transport import drop_message, install_transport
from coupons.broker import wakeups
from coupons.monitoring import clock_skew
from coupons.observability import metrics
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

BEAT_S = 2.0
STALE_S = 15.0  # a main loop without a heartbeat for so long hangs

# When a worker stops, it forgets the messages that it gave to a pool process and that were not
# confirmed yet. The pool process waits for their confirmation: 30 s by billiard's default, at any
# stop under load.
_CONFIRMATION_WAIT_S = 2.0


def own_queue_name(folder: str = "") -> str:
    """The queue that only this worker consumes: a canary sent there tests this worker, not another
    host's. The metrics folder distinguishes two workers of one host."""
    return f"canary.{socket.gethostname()}.{crc32((folder or multiprocess.FOLDER).encode()):08x}"


def worker_queue_name(folder: str = "") -> str:
    """For the consumer: the own queue of the worker in this folder. In a container beside ours the
    worker may have another host name, so it leaves the queue's name there."""
    with suppress(FileNotFoundError):
        return _queue_file(folder).read_text()
    return own_queue_name(folder)


def _queue_file(folder: str = "") -> Path:
    return Path(folder or multiprocess.FOLDER) / "worker.queue"


def pid_file(folder: str = "") -> Path:
    return Path(folder or multiprocess.FOLDER) / "worker.pid"


class OwnQueue(bootsteps.StartStopStep):  # type: ignore[misc]
    """Makes the worker consume its own queue, and writes its process id to a file that it keeps
    locked: so `config.worker.watchdog` never mistakes another process for it."""

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
        _queue_file().write_text(own_queue_name())


class Beat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Heartbeat: the worker's main loop writes the time every BEAT_S, for `worker.consumer`."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        show_sign_of_life()
        self.timer = worker.timer.call_repeatedly(BEAT_S, show_sign_of_life)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


def show_sign_of_life() -> None:
    liveness.show_liveness(metrics.WORKER_HEARTBEAT)


# Start by task id; a process of the pool runs one at a time.
_began: ProcessState[dict[str, float]] = ProcessState(dict)


class ReceivedMessage(Request):  # type: ignore[misc]
    """A message that a worker has received. An error in its acknowledgement makes the worker
    reconnect.

    Celery logs the error (`Couldn't ack …`) and goes on. But a worker that has received as many
    messages as it may has no read pending at the broker, so it does not notice the lost connection;
    and the message it could not acknowledge counts as unfinished for ever: it never asks for
    another one. Here the error reaches the worker's main loop, which reconnects. The message is
    delivered again, which is harmless: it is a wake-up.
    """

    acknowledged: bool

    def maybe_expire(self) -> None:
        """Ignores an expiry date: it was written by another host's clock."""

    def acknowledge(self) -> None:
        if not self.acknowledged:
            self._on_ack(logger, ())  # no error is caught
            self.acknowledged = True


class WakeupTask(Task):  # type: ignore[misc]
    """Base of our tasks: a message that Celery can't parse is rejected and does not end the
    worker."""

    abstract = True
    Strategy = "config.worker.process:guarded_strategy"
    Request: Any = ReceivedMessage


def guarded_strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Any:
    """Celery's default strategy, which rejects messages that raise. Without this an empty body, for
    example, raises in the main process, which exits, is restarted, gets the same message again a
    minute later, and so on."""
    receive = default(task, app, consumer, **options)

    def receive_guarded(
        message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any
    ) -> Any:
        try:
            return receive(message, body, ack, reject, callbacks, **more)
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            drop_message(f"not parsed: {task.name}", error)
            message.reject_log_error(logger, (*consumer.connection_errors,))
            return None

    return receive_guarded


def task_began(task_id: str, **_: Any) -> None:
    _began.current[task_id] = time.monotonic()
    liveness.show_liveness(metrics.WORKER_LAST_TASK)


def task_ended(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    """`state` is Celery's: SUCCESS, FAILURE, RETRY …"""
    seconds = time.monotonic() - _began.current.pop(task_id, time.monotonic())
    liveness.show_liveness(metrics.WORKER_LAST_TASK)
    metrics.TASKS.labels(task.name, (state or "unknown").lower()).observe(seconds)
    clock_skew.reporter.current.report(task.request.hostname or socket.gethostname())


def keep_children_reporting(sender: str, **_: Any) -> None:
    """Each process of the pool reports its clock as soon as it starts, and while a task of its own
    lasts; under the name `sender` of its worker."""

    def keep_reporting(**_: Any) -> None:
        clock_skew.reporter.current.keep_reporting(sender)

    signals.worker_process_init.connect(keep_reporting, weak=False)


def export_zero_failures(**_: Any) -> None:
    """Export 0 failures for each task before the first: Prometheus sees no increase from an absent
    series."""
    for task in wakeups.TASKS:
        metrics.TASKS.labels(task, "failure")


def install_worker_parts(app: Any) -> None:
    """Attach all this to a Celery app, before its worker starts."""
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = int(
        _CONFIRMATION_WAIT_S / pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    )
    install_transport()
    app.steps["worker"].add(Beat)
    if multiprocess.FOLDER:
        app.steps["worker"].add(OwnQueue)
    signals.worker_init.connect(export_zero_failures)
    signals.worker_init.connect(keep_children_reporting)
    signals.task_prerun.connect(task_began)
    signals.task_postrun.connect(task_ended)
    signals.worker_process_shutdown.connect(clock_skew.withdraw_report)
