"""The Celery tasks. Each is one call into the packages below."""

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

from coupons.admin.login import sessions
from coupons.attempts import moving
from coupons.broker import wakeups
from coupons.bulk import jobs, retention
from coupons.campaigns import demand, recorded_states, sold_out
from coupons.campaigns.fault_isolation import isolate_campaign, successful_answers
from coupons.errors import StaleClaims
from coupons.grants import returns
from coupons.issuing.drain import Drained
from coupons.issuing.drain import drain as drain_queue
from coupons.merchants import kept_calls
from coupons.notifications import noticing, sending
from coupons.observability import metrics
from coupons.observability.metrics import Work
from coupons.proof import build, report_row
from coupons.readiness import guard as openings
from coupons.recovery import failover, reconcile
from coupons.redemption import expiry
from coupons.rehearsal import work
from coupons.store import store
from coupons.webhooks import coupon_cursor, delivery, routing

logger = logging.getLogger(__name__)

FAILED_PAUSE_S = 5.0  # after a failed drain of a campaign; longer if the drain took longer
EXPIRE_S = PROVE_S = MOVE_S = 20.0
NOTIFY_S = 10.0  # then no new attempt begins; one takes 15 s at most
STALE_PAUSE_S = 1.0  # after StaleClaims: by the next drain the rebuild has finished

_stopping: Any = None  # an Event shared with the pool's children: the worker is shutting down


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def _create_stop_event(**_: Any) -> None:
    globals()["_stopping"] = Event()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _set_stop_event(**_: Any) -> None:
    _stopping.set()


def _is_stopping() -> bool:
    return _stopping is not None and bool(_stopping.is_set())


def _consumer() -> str:
    """This process's consumer name in the consumer groups."""
    return f"{socket.gethostname()}-{os.getpid()}"


@shared_task(name=wakeups.DRAIN)  # type: ignore[untyped-decorator]
def drain(slug: str) -> None:
    """Drain one campaign after a wake-up message. Safe to run twice, late, or in parallel. A worker
    that is shutting down finishes its batch and sends a wake-up for the rest."""
    if _drain_one(slug):
        wakeups.notify_drain(slug)


@shared_task(name=wakeups.DRAIN_EACH)  # type: ignore[untyped-decorator]
def drain_each(slugs: list[str]) -> None:
    """Drain many campaigns after one wake-up message, within DRAIN_TIME_S: each gets an equal share
    of the time left. A campaign that fails or has more claims does not block the others; a store
    that is away ends the task."""
    end = time.monotonic() + settings.DRAIN_TIME_S
    waiting, left = list(slugs), list[str]()
    while waiting and time.monotonic() < end and not _is_stopping():
        share_s = (end - time.monotonic()) / len(waiting)
        slug = waiting.pop(0)
        if _drain_one(slug, time_s=share_s):
            left.append(slug)
    wakeups.notify_drains(waiting + left)


def _drain_one(slug: object, *, time_s: float | None = None) -> bool:
    """Drain a campaign. Returns whether it has claims left and needs another wake-up. A campaign
    that fails gets none until its pause is over."""
    if not isinstance(slug, str):  # a message on the broker can contain anything
        logger.error("wake-up message for %r, which is not a campaign's slug", slug)
        return False
    drained = Drained()
    on_failure = partial(_suppress_wakeups, slug, time.monotonic())
    with isolate_campaign(slug, Work.DRAIN, on_failure=on_failure):
        store().layouts.demand_layout(slug)
        drained = drain_queue(slug, consumer=_consumer(), time_s=time_s, stopping=_is_stopping)
    return drained.left


def _suppress_wakeups(slug: str, began_s: float, error: Exception) -> None:
    """Suppress wake-ups for at least as long as the failed drain took: so failing drains use no
    more than half of a worker's time."""
    least_s = STALE_PAUSE_S if isinstance(error, StaleClaims) else FAILED_PAUSE_S
    pause_s = max(least_s, time.monotonic() - began_s)
    store().wakeups.drain_failed(slug, f"{error}"[:500], pause_ms=round(1000 * pause_s))


def _skip_older_than(seconds: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Skip a periodic message of beat that waited in the broker for longer than this: a newer one
    follows. Measured by Redis' clock at both ends; a message without a date is never skipped."""

    def decorate(task: Callable[..., None]) -> Callable[..., None]:
        @wraps(task)
        def run_if_recent(*args: Any, **kwargs: Any) -> None:
            sent_ms = _sent_ms()
            if sent_ms and store().server.now_ms() - sent_ms > 1000 * seconds:
                metrics.STALE_MESSAGES.labels(current_task.name).inc()
                return
            task(*args, **kwargs)

        return run_if_recent

    return decorate


def _sent_ms() -> int:
    """When beat sent the current message, ms of Redis' clock; 0: no date, or no message."""
    headers = current_task.request.headers if current_task else None
    sent_ms = (headers or {}).get(wakeups.SENT_MS)
    return sent_ms if isinstance(sent_ms, int) else 0


@shared_task(name=wakeups.SWEEP)  # type: ignore[untyped-decorator]
@_skip_older_than(5)
def sweep() -> None:
    """Every second: record openings and closings, compare a new Redis server with MySQL, send
    wake-ups for waiting claims, and record what has sold out. A step that fails does not stop the
    next ones."""
    _run_all(
        recorded_states.follow_the_clock,
        failover.verify_server,
        _wake_waiting_campaigns,
        sold_out.record_sold_out,
    )
    store().wakeups.mark_sweep()


def _run_all(*steps: Callable[[], object]) -> None:
    """Run all steps, also after one has failed. Raises the last failure at the end."""
    failure: Exception | None = None
    for step in steps:
        try:
            step()
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:
            logger.warning("a step of the sweep failed: %r", error)
            failure = error
    if failure:
        raise failure


def _wake_waiting_campaigns() -> None:
    waiting = successful_answers(
        store().queue.waiting_counts(store().campaigns.installed_slugs()), Work.SWEEP
    )
    wakeups.notify_drains(
        store().wakeups.set_pending([slug for slug, claims in waiting.items() if claims])
    )


@shared_task(name=wakeups.CANARY)  # type: ignore[untyped-decorator]
@_skip_older_than(10)
def canary(sent_s: float = 0) -> None:
    """A message that only shows that messages arrive. Beat's, without an argument, leaves a time
    mark in Redis. One with `sent_s` (Unix seconds) came from this host's watchdog through the
    worker's own queue: it shows that the worker consumes, but nothing about beat or the common
    queue."""
    if sent_s:
        metrics.CANARY_DELAY.set(max(0.0, time.time() - sent_s))
    else:
        metrics.CANARY.set(store().wakeups.mark_canary() / 1000)


@shared_task(name=wakeups.GUARD)  # type: ignore[untyped-decorator]
@_skip_older_than(10)
def guard() -> None:
    """Every ten seconds: warm up for the openings of the next ten minutes, hold those whose board
    is red."""
    openings.guard_openings()


@shared_task(name=wakeups.RECONCILE)  # type: ignore[untyped-decorator]
@_skip_older_than(5)
def compare_the_stores() -> None:
    """Every few seconds: compare Redis with MySQL, and repair what is safe to repair."""
    reconcile.reconcile_campaigns()


@shared_task(name=wakeups.FORGET_CALLS)  # type: ignore[untyped-decorator]
@_skip_older_than(600)
def forget_old_calls() -> None:
    """Every ten minutes: delete the answers kept for Idempotency-Keys for longer than 24 hours, and
    operators' sessions that have ended."""
    kept_calls.delete_old_calls()
    sessions.remove_ended_sessions()


@shared_task(name=wakeups.DELIVER)  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Send the webhooks that are due. Safe to run twice, late, or in parallel."""
    delivery.deliver_due(is_stopping=_is_stopping, wake_another=wakeups.notify_delivery)


@shared_task(name=wakeups.TEND_WEBHOOKS)  # type: ignore[untyped-decorator]
@_skip_older_than(5)
def tend_webhooks() -> None:
    """Every second: tell of new coupons, remove old events, and send what is due, whatever
    wake-ups were lost."""
    _run_all(coupon_cursor.follow_places, routing.remove_old_messages, deliver)


@shared_task(name=wakeups.RETURNS)  # type: ignore[untyped-decorator]
@_skip_older_than(5)
def give_on_returned() -> None:
    """Every two seconds: store the waitlists, and give returned stock to the pool or to them."""
    returns.give_on_everywhere()


@shared_task(name=wakeups.WATCH_RETURNED)  # type: ignore[untyped-decorator]
@_skip_older_than(300)
def watch_returned() -> None:
    """Every five minutes: check the counts of returned stock."""
    returns.watch_returned()


@shared_task(name=wakeups.BULK)  # type: ignore[untyped-decorator]
@_skip_older_than(5)
def work_on_jobs() -> None:
    """Work on grants and revocations of many lines, for 20 s at most; then a new message goes on.
    Safe to run twice, late, or in parallel."""
    retention.remove_old_lines()
    if jobs.work_on_jobs(stopping=_is_stopping):
        wakeups.notify_bulk()


@shared_task(name=wakeups.EXPIRE)  # type: ignore[untyped-decorator]
@_skip_older_than(30)
def record_expiries() -> None:
    """Every 30 s: record the expiry of coupons, for EXPIRE_S at most."""
    end = time.monotonic() + EXPIRE_S
    expiry.expire_campaigns(until=lambda: time.monotonic() > end or _is_stopping())


@shared_task(name=wakeups.PROVE)  # type: ignore[untyped-decorator]
@_skip_older_than(30)
def prove_campaigns() -> None:
    """Every 30 s: publish the roots of campaigns that have closed, for PROVE_S at most; the next
    message goes on. Safe to run twice, late, or in parallel."""
    end = time.monotonic() + PROVE_S
    build.prove_campaigns(until=lambda: time.monotonic() > end or _is_stopping())


@shared_task(name=wakeups.KEEP_DEMAND)  # type: ignore[untyped-decorator]
@_skip_older_than(60)
def keep_demand() -> None:
    """Every 30 s: copy whole minutes of the demand to MySQL; Redis forgets them after 16 minutes.
    Safe to run twice, late, or in parallel."""
    demand.keep_demand()


@shared_task(name=wakeups.MOVE_REFUSALS)  # type: ignore[untyped-decorator]
@_skip_older_than(60)
def move_refusals() -> None:
    """Every minute: move the notes of refusals of finished sales to MySQL, for MOVE_S at most; the
    next message goes on. Safe to run twice, late, or in parallel."""
    end = time.monotonic() + MOVE_S
    moving.move_refusals(until=lambda: time.monotonic() > end or _is_stopping())


@shared_task(name=wakeups.REPORT)  # type: ignore[untyped-decorator]
@_skip_older_than(30)
def compute_reports() -> None:
    """Every 30 s, and when somebody asks for one: compute the proof reports that are due. One that
    takes longer than a task may is begun again by the next message. Safe to run twice."""
    end = time.monotonic() + PROVE_S
    report_row.compute_asked(until=lambda: time.monotonic() > end or _is_stopping())


@shared_task(name=wakeups.REHEARSE)  # type: ignore[untyped-decorator]
@_skip_older_than(5)
def rehearse() -> None:
    """Every five seconds: the next steps of a dress rehearsal, and the removal of what a dead one
    left. Safe to run twice, late, or in parallel."""
    if work.work_on_rehearsal(stopping=_is_stopping):
        wakeups.notify_rehearsal()


@shared_task(name=wakeups.NOTIFY)  # type: ignore[untyped-decorator]
@_skip_older_than(30)
def notify_operators() -> None:
    """Every 5 s: notice what operators are told of, and send it. While beat is silent, the workers'
    watchdogs ask for it. Safe to run twice, late, or in parallel."""
    end = time.monotonic() + NOTIFY_S
    noticing.notice_events()
    sending.send_due(until=lambda: time.monotonic() > end or _is_stopping())
