"""What a Celery worker does beside its tasks: it shows that it lives, and times its tasks."""

import time
from typing import Any

from celery import bootsteps, signals

from config import multiprocess  # noqa: F401 - names the files before metrics are made
from coupons import metrics

BEAT_S = 2.0
STALE_S = 15.0  # a main loop that did not turn for so long hangs


class Beat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Every two seconds the worker's main loop writes down the time, for `config.consumer`."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        show()
        self.timer = worker.timer.call_repeatedly(BEAT_S, show)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


def show() -> None:
    metrics.WORKER_BEAT.set(time.time())


_began: dict[str, float] = {}  # by the task's id; a child of the pool does one at a time


def begin(task_id: str, **_: Any) -> None:
    _began[task_id] = time.monotonic()


def end(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    """`state` is Celery's word: SUCCESS, FAILURE, RETRY …"""
    seconds = time.monotonic() - _began.pop(task_id, time.monotonic())
    metrics.TASKS.labels(task.name, (state or "unknown").lower()).observe(seconds)


def watch(app: Any) -> None:
    """Attach all this to a Celery app that is to work."""
    app.steps["worker"].add(Beat)
    signals.task_prerun.connect(begin)
    signals.task_postrun.connect(end)
