"""Wake-up messages to the workers: Celery messages with slugs, without claims. They may be lost."""

import logging
import time
from collections.abc import Sequence

import kombu.exceptions
from celery import current_app

from coupons import dry_run
from coupons.broker import connections
from coupons.observability import metrics

logger = logging.getLogger(__name__)

# Task names: a contract between web, beat and worker.
DRAIN, SWEEP, GUARD = "coupons.drain", "coupons.sweep", "coupons.guard"
RECONCILE, FORGET_CALLS = "coupons.reconcile", "coupons.forget_calls"
RETURNS, WATCH_RETURNED = "coupons.returns", "coupons.watch_returned"
DRAIN_EACH, CANARY = "coupons.drain_each", "coupons.canary"
# Of the webhooks' worker, which has a queue of its own: a hanging receiver must not delay a drain.
DELIVER, TEND_WEBHOOKS = "coupons.deliver", "coupons.tend_webhooks"
WEBHOOK_QUEUE = "webhooks"
# Of jobs of many lines: their own queue as well, for they take minutes.
BULK, BULK_QUEUE = "coupons.bulk", "bulk"
EXPIRE, PROVE = "coupons.expire", "coupons.prove"  # on that queue, too
REHEARSE = "coupons.rehearse"  # and this one
KEEP_DEMAND, MOVE_REFUSALS = "coupons.keep_demand", "coupons.move_refusals"  # as well
REPORT, NOTIFY = "coupons.report", "coupons.notify"
TASKS = (
    DRAIN, DRAIN_EACH, SWEEP, GUARD, RECONCILE, RETURNS, WATCH_RETURNED, FORGET_CALLS, CANARY,
    DELIVER, TEND_WEBHOOKS, BULK, EXPIRE, PROVE, KEEP_DEMAND, MOVE_REFUSALS,
    REPORT, REHEARSE, NOTIFY,
)  # fmt: skip
SENT_MS = "coupon_sent_ms"  # header of beat's messages: time sent, by Redis' clock; 0: unknown
CAMPAIGNS_PER_MESSAGE = 50  # a message costs the same for one as for fifty


def notify_drain(slug: str) -> bool:
    """Wake a worker for one campaign. Returns whether the message was sent. A failure is counted,
    not raised: the claim is safe in the queue, and beat wakes the workers as well."""
    return _send(DRAIN, slug)


def notify_drains(slugs: Sequence[str]) -> None:
    """Wake workers for many campaigns with few messages."""
    for first in range(0, len(slugs), CAMPAIGNS_PER_MESSAGE):
        _send(DRAIN_EACH, list(slugs[first : first + CAMPAIGNS_PER_MESSAGE]))


def notify_delivery() -> bool:
    """Wake the webhooks' worker. Returns whether the message was sent; it carries nothing, and beat
    sends one every second."""
    return _send(DELIVER, None, queue=WEBHOOK_QUEUE)


def notify_bulk() -> bool:
    """Wake the worker of jobs. Returns whether the message was sent; beat sends one as well."""
    return _send(BULK, None, queue=BULK_QUEUE)


def notify_report() -> bool:
    """As `notify_bulk`, for proof reports."""
    return _send(REPORT, None, queue=BULK_QUEUE)


def notify_rehearsal() -> bool:
    """Wake the worker of jobs for the next step of a rehearsal; beat does so as well."""
    return _send(REHEARSE, None, queue=BULK_QUEUE)


def notify_operators() -> bool:
    """Have the operators' notifications sent. The workers' watchdogs call it while beat is silent;
    beat does so as well."""
    return _send(NOTIFY, None, queue=BULK_QUEUE)


def send_canary(queue: str) -> bool:
    """Send a canary message to the worker that consumes `queue`, to show that messages arrive.
    The argument (time sent, Unix seconds) distinguishes it from beat's, which have none: only those
    leave a mark in Redis."""
    return _send(CANARY, time.time(), queue=queue)


def _send(task: str, argument: object, *, queue: str | None = None) -> bool:
    """Without `expires`: a worker would compare its own clock with another host's timestamp and
    discard messages silently. `config.worker.queue_limits` limits the number of messages."""
    if dry_run.noted("wakeups"):
        return True
    try:
        with connections.notifying_producer() as producer:
            current_app.send_task(
                task,
                args=[] if argument is None else [argument],
                queue=queue,
                retry=False,
                producer=producer,
            )
    except (kombu.exceptions.OperationalError, OSError) as error:
        metrics.WAKEUPS_LOST.inc()
        logger.warning("message %s for %s could not be sent: %s", task, argument, error)
        return False
    return True
