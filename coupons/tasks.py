"""Celery's way in: each task is one call."""

import logging
import os
import socket
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from billiard import Event
from celery import current_task, shared_task, signals
from django.conf import settings

from coupons import bell, campaigns, fence, metrics, reconcile
from coupons.drain import drain as drain_queue
from coupons.errors import CouponError, DependencyAway
from coupons.readiness import guard as openings
from coupons.store import store

logger = logging.getLogger(__name__)

_stopping: Any = None  # shared with the pool's children: the worker is asked to end


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def _share(**_: Any) -> None:
    globals()["_stopping"] = Event()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    _stopping.set()


def _asked_to_end() -> bool:
    return _stopping is not None and bool(_stopping.is_set())


def _consumer() -> str:
    """This process's name among the consumers of a queue."""
    return f"{socket.gethostname()}-{os.getpid()}"


@shared_task(name=bell.DRAIN)  # type: ignore[untyped-decorator]
def drain(slug: str) -> None:
    """Answer a bell. Safe to run twice, late, or in parallel. A worker asked to end finishes its
    batch and rings for what is left."""
    if drain_queue(slug, consumer=_consumer(), stopping=_asked_to_end).left:
        bell.ring(slug)


@shared_task(name=bell.DRAIN_EACH)  # type: ignore[untyped-decorator]
def drain_each(slugs: list[str]) -> None:
    """Answer a bell for many campaigns, in the time of one drain. One that can't be drained does
    not keep the others waiting, a store that is away does."""
    end = time.monotonic() + settings.DRAIN_TIME_S
    left = list(slugs)
    while left and time.monotonic() < end and not _asked_to_end():
        if not _drained(left[0], time_s=end - time.monotonic()):
            break
        left.pop(0)
    bell.ring_each(left)


def _drained(slug: str, *, time_s: float) -> bool:
    try:
        done = drain_queue(slug, consumer=_consumer(), time_s=time_s, stopping=_asked_to_end)
    except DependencyAway:
        raise
    except CouponError:
        logger.exception("%s can't be drained", slug)
        return True
    return not done.left


def _unless_older_than(seconds: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Of beat's messages, which come again and again: those that waited behind others until they
    were old are skipped. Sent and received by Redis' clock; what bears no date is never old."""

    def decorate(work: Callable[..., None]) -> Callable[..., None]:
        @wraps(work)
        def done(*args: Any, **kwargs: Any) -> None:
            sent_ms = _sent_ms()
            if sent_ms and store().now_ms() - sent_ms > 1000 * seconds:
                metrics.STALE_MESSAGES.labels(current_task.name).inc()
                return
            work(*args, **kwargs)

        return done

    return decorate


def _sent_ms() -> int:
    """When beat sent the message at hand; 0: it does not say, or there is none."""
    headers = current_task.request.headers if current_task else None
    sent_ms = (headers or {}).get(bell.SENT_MS)
    return sent_ms if isinstance(sent_ms, int) else 0


@shared_task(name=bell.SWEEP)  # type: ignore[untyped-decorator]
@_unless_older_than(5)
def sweep() -> None:
    """Every second: keep the campaigns' states up with the clock, ring for claims nobody heard."""
    campaigns.follow_the_clock()
    fence.look()
    waiting = [slug for slug, claims in store().waiting(store().installed()).items() if claims]
    bell.ring_each(store().ring_each(waiting))


@shared_task(name=bell.CANARY)  # type: ignore[untyped-decorator]
@_unless_older_than(10)
def canary(sent_s: float = 0) -> None:
    """A bell for no campaign: that it got here, and on to Redis, is all there is to it."""
    store().canary_came()
    metrics.CANARY.set(time.time())
    if sent_s:
        metrics.CANARY_SECONDS.set(max(0.0, time.time() - sent_s))


@shared_task(name=bell.GUARD)  # type: ignore[untyped-decorator]
@_unless_older_than(10)
def guard() -> None:
    """Every ten seconds: warm up for the openings of the next ten minutes, hold red ones back."""
    openings.look()


@shared_task(name=bell.RECONCILE)  # type: ignore[untyped-decorator]
@_unless_older_than(5)
def compare_the_stores() -> None:
    """Every few seconds: is what was told stored or on its way? Mends what is safe to mend."""
    reconcile.look()
