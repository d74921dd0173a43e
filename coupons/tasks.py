"""Celery's way in: each task is one call."""

import logging
import os
import socket
import time
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from billiard import Event
from billiard.exceptions import SoftTimeLimitExceeded
from celery import current_task, shared_task, signals
from django.conf import settings

from coupons.broker import wakeups
from coupons.campaigns import lifecycle
from coupons.campaigns.isolation import isolate_campaign, successful_answers
from coupons.errors import StaleClaims
from coupons.issuing.drain import Drained
from coupons.issuing.drain import drain as drain_queue
from coupons.observability import metrics
from coupons.observability.metrics import Work
from coupons.readiness import guard as openings
from coupons.recovery import failover, reconcile
from coupons.store import store

logger = logging.getLogger(__name__)

FAILED_PAUSE_S = 5.0  # between two drains of a campaign that fail; longer where one takes longer
STALE_PAUSE_S = 1.0  # after a rebuild, which the next drain finds finished

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


@shared_task(name=wakeups.DRAIN)  # type: ignore[untyped-decorator]
def drain(slug: str) -> None:
    """Answer a bell. Safe to run twice, late, or in parallel. A worker asked to end finishes its
    batch and rings for what is left."""
    if _is_left(slug):
        wakeups.notify_drain(slug)


@shared_task(name=wakeups.DRAIN_EACH)  # type: ignore[untyped-decorator]
def drain_each(slugs: list[str]) -> None:
    """Answer a bell for many campaigns, in the time of one drain, of which each gets its share.
    One that can't be drained, or not to its end, does not keep the others waiting; a store that is
    away does."""
    end = time.monotonic() + settings.DRAIN_TIME_S
    waiting, left = list(slugs), list[str]()
    while waiting and time.monotonic() < end and not _asked_to_end():
        share_s = (end - time.monotonic()) / len(waiting)
        slug = waiting.pop(0)
        if _is_left(slug, time_s=share_s):
            left.append(slug)
    wakeups.notify_drains(waiting + left)


def _is_left(slug: object, *, time_s: float | None = None) -> bool:
    """Drain it; whether it has claims left and needs another bell. A campaign that fails gets none
    before a pause is over."""
    if not isinstance(slug, str):  # whatever lies on the broker
        logger.error("a bell for %r, which is no campaign", slug)
        return False
    done = Drained()
    let_it_rest = partial(_let_it_rest, slug, time.monotonic())
    with isolate_campaign(slug, Work.DRAIN, on_failure=let_it_rest):
        done = drain_queue(slug, consumer=_consumer(), time_s=time_s, stopping=_asked_to_end)
    return done.left


def _let_it_rest(slug: str, began_s: float, error: Exception) -> None:
    """Drains that fail take no more than half of a worker's time, however long each takes."""
    least_s = STALE_PAUSE_S if isinstance(error, StaleClaims) else FAILED_PAUSE_S
    pause_s = max(least_s, time.monotonic() - began_s)
    store().drain_failed(slug, f"{error}"[:500], pause_ms=round(1000 * pause_s))


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
    sent_ms = (headers or {}).get(wakeups.SENT_MS)
    return sent_ms if isinstance(sent_ms, int) else 0


@shared_task(name=wakeups.SWEEP)  # type: ignore[untyped-decorator]
@_unless_older_than(5)
def sweep() -> None:
    """Every second: keep the campaigns' states up with the clock, ring for claims nobody heard.
    What fails keeps nothing else from being done."""
    _each_of(lifecycle.follow_the_clock, failover.verify_server, _ring_where_claims_wait)
    store().mark_sweep()


def _each_of(*steps: Callable[[], object]) -> None:
    """All of them, also where one raises; the last failure is raised at the end."""
    failure: Exception | None = None
    for step in steps:
        try:
            step()
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            logger.warning("a part of the sweep failed: %r", error)
            failure = error
    if failure:
        raise failure


def _ring_where_claims_wait() -> None:
    waiting = successful_answers(store().waiting_counts(store().installed_slugs()), Work.SWEEP)
    wakeups.notify_drains(
        store().set_pending_wakeups([slug for slug, claims in waiting.items() if claims])
    )


@shared_task(name=wakeups.CANARY)  # type: ignore[untyped-decorator]
@_unless_older_than(10)
def canary(sent_s: float = 0) -> None:
    """A bell for no campaign: that it got here is all there is to it. Beat's, which says no time,
    leaves a mark in Redis. One with a time came from this host's watchdog by a queue of its own: it
    shows that the worker hears, and nothing of beat or the common queue."""
    if sent_s:
        metrics.CANARY_SECONDS.set(max(0.0, time.time() - sent_s))
    else:
        metrics.CANARY.set(store().mark_canary() / 1000)


@shared_task(name=wakeups.GUARD)  # type: ignore[untyped-decorator]
@_unless_older_than(10)
def guard() -> None:
    """Every ten seconds: warm up for the openings of the next ten minutes, hold red ones back."""
    openings.guard_openings()


@shared_task(name=wakeups.RECONCILE)  # type: ignore[untyped-decorator]
@_unless_older_than(5)
def compare_the_stores() -> None:
    """Every few seconds: is what was told stored or on its way? Mends what is safe to mend."""
    reconcile.reconcile_campaigns()
