"""Many copies of one wake-up message on the broker during a sale: workers stay up, the sale goes
on, and no claim is stored twice."""

import json
import time
from typing import Any

from celery import current_app

from coupons.broker import wakeups
from tests.crash.experiments.adding import sum_runs
from tests.crash.opening import Run, Sale, play_sale
from tests.crash.programs import WORKERS
from tests.crash.scene import Scene
from tests.crash.stage import Stage

_QUEUE, _ASIDE = "cq:celery", "cq:aside"
_TOGETHER = 10_000
_SALE = Sale(1, stock=1_000, users=1_200, lasts_s=60.0, settle_s=300.0)
_GONE_S = 1_800.0


def play_rounds(stage: Stage, thousands: int) -> dict[str, Any]:
    copies = thousands * 1000
    restarts = _count_restarts(stage)
    seen: dict[str, float] = {}

    def flood(scene: Scene, run: Run) -> None:
        began = time.monotonic()
        _copy_a_bell(stage, scene.slug, copies)
        seen["copied_after_s"] = round(time.monotonic() - began, 1)
        seen["gone_after_s"] = round(_until_heard(stage) - began, 1)
        run.faults["bells"] += copies

    run = play_sale(stage, _SALE, flood)
    figures = sum_runs([run])
    ended = _count_restarts(stage) - restarts
    return {
        "copies": copies, **seen, **figures, "worker_restarts": ended,
        "broken": figures["broken"] + ended + len(run.wrongs["unsettled"]),
    }  # fmt: skip


def _copy_a_bell(stage: Stage, slug: str, copies: int) -> None:
    """Append copies of a task message to the common queue, with the same task id. Only the delivery
    tag differs, by which kombu counts the messages that a worker holds."""
    current_app.send_task(wakeups.DRAIN, args=[slug], queue="aside")
    with stage.broker() as client:
        message = client.lpop(_ASIDE).decode().replace('"aside"', '"celery"')
        before, after = message.split(json.loads(message)["properties"]["delivery_tag"])
        for first in range(0, copies, _TOGETHER):
            tags = (f"copy-{number}" for number in range(first, first + _TOGETHER))
            client.lpush(_QUEUE, *[before + tag + after for tag in tags])


def _until_heard(stage: Stage) -> float:
    """The moment (monotonic) at which hardly any message was left; beat keeps sending its own."""
    deadline = time.monotonic() + _GONE_S
    with stage.broker() as client:
        while client.llen(_QUEUE) > 100 and time.monotonic() < deadline:
            time.sleep(0.5)
    return time.monotonic()


def _count_restarts(stage: Stage) -> int:
    return sum(stage.cast[name].restarts for name in WORKERS)
