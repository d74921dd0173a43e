"""Ringing for a drain: one Celery message that carries a slug and no claim. May be lost."""

import logging
import time
from collections.abc import Sequence

import kombu.exceptions
from celery import current_app

from coupons.observability import metrics

logger = logging.getLogger(__name__)

# Task names: a contract between web, beat and worker.
DRAIN, SWEEP, GUARD = "coupons.drain", "coupons.sweep", "coupons.guard"
RECONCILE = "coupons.reconcile"
DRAIN_EACH, CANARY = "coupons.drain_each", "coupons.canary"
TASKS = (DRAIN, DRAIN_EACH, SWEEP, GUARD, RECONCILE, CANARY)
SENT_MS = "coupon_sent_ms"  # header of what beat sends: when, by Redis' clock; 0: not known
TOGETHER = 50  # campaigns in one message: sending costs the same for one as for fifty


def notify_drain(slug: str) -> bool:
    """Wake a worker. A failure is a metric, never an error: the claim is safe, beat rings too."""
    return _send(DRAIN, slug)


def notify_drains(slugs: Sequence[str]) -> None:
    """Wake workers for many campaigns with few messages."""
    for first in range(0, len(slugs), TOGETHER):
        _send(DRAIN_EACH, list(slugs[first : first + TOGETHER]))


def send_canary(queue: str) -> bool:
    """A bell that only shows the way is open, to the worker that hears this queue. By its time the
    worker tells it from beat's, which alone leave a mark in Redis."""
    return _send(CANARY, time.time(), queue=queue)


def _send(task: str, argument: object, *, queue: str | None = None) -> bool:
    """Without `expires`: a worker would judge by its own clock what another host's clock wrote,
    and throw the message away in silence. `config.worker.message_limits` keeps messages few."""
    try:
        current_app.send_task(task, args=[argument], queue=queue, retry=False)
    except (kombu.exceptions.OperationalError, OSError) as error:
        metrics.BELLS_LOST.inc()
        logger.warning("%s of %s was lost: %s", task, argument, error)
        return False
    return True
