"""Deliveries: who may send to which endpoint, and what follows from an answer.

One process at a time sends to an endpoint, by a lease on its row (`busy_until`), taken by
compare-and-set. A process that dies leaves the lease to end: its delivery is sent again, with the
same `webhook-id`. No connection to the database is kept while an answer is awaited.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery

from coupons.audit import trail
from coupons.database import availability, clock
from coupons.errors import DatabaseAway, MissingKey
from coupons.models import Act, DeliveryState, OutboxMessage, WebhookDelivery, WebhookEndpoint
from coupons.observability import webhook_metrics
from coupons.webhooks import addresses, routing, sender, signatures
from coupons.webhooks.events import wire_body
from coupons.webhooks.sender import Attempt, Result

logger = logging.getLogger(__name__)

# From one attempt to the next, as Standard Webhooks suggests: ten attempts in three days.
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
MOST_ATTEMPTS = len(DELAYS) + 1
LEASE = timedelta(seconds=2 * sender.TIME_S)  # longer than an attempt, with its look-up of the name
WORK_S = 10.0  # a task takes new endpoints for so long, then it leaves them to the next one
ROUND_S = 5.0  # and sends to one endpoint for so long, then it is another's turn
ROUND_DELIVERIES = 50
# Threads of all hosts that send to endpoints whose last attempt failed or was slow: they take up to
# the whole time of an attempt, and leave the other threads to those that answer.
MOST_SUSPECTS = 12
SLOW_MS = 3_000
RECORD_PAUSES_S = (0.2, 1.0, 3.0)  # less than the lease has left
LONGEST_PAUSE_S = 60  # of an endpoint between two failures; the first is a second


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send to an endpoint. `until` is also its token: nobody else has the same."""

    endpoint: WebhookEndpoint
    until: datetime


def deliver_due(*, is_stopping: Callable[[], bool], wake_another: Callable[[], object]) -> int:
    """Send what is due, one endpoint after another, for WORK_S. `wake_another` is called while
    further endpoints wait. Returns how many attempts were made. Raises DatabaseAway."""
    routing.route_messages()
    attempts, end = 0, time.monotonic() + WORK_S
    try:
        while time.monotonic() < end and not is_stopping():
            lease, others_wait = take_endpoint()
            if lease is None:
                return attempts
            if others_wait:
                wake_another()
            attempts += _send_round(lease, is_stopping)
        wake_another()
        return attempts
    finally:
        _return_connection()


def take_endpoint() -> tuple[Lease | None, bool]:
    """Take the endpoint that has waited longest, those that answer first. Returns the lease, None
    if there is nothing to do, and whether further endpoints wait. Raises DatabaseAway."""
    with availability.require_database():
        waiting = list(_waiting_endpoints()[:20])
        for number, endpoint in enumerate(waiting):
            until = endpoint.now + LEASE
            free = WebhookEndpoint.objects.filter(_is_free(), pk=endpoint.pk, is_enabled=True)
            if free.update(busy_until=until):
                return Lease(endpoint, until), number + 1 < len(waiting)
    return None, False


def _is_free() -> Q:
    return Q(busy_until=None) | Q(busy_until__lte=clock.Now())


def _waiting_endpoints() -> Any:
    """Endpoints with a due delivery to which nobody sends."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state=DeliveryState.WAITING, due_at__lte=clock.Now()
    ).order_by("due_at")
    rows = (
        WebhookEndpoint.objects.filter(_is_free(), is_enabled=True)
        .filter(Q(paused_until=None) | Q(paused_until__lte=clock.Now()))
        .annotate(now=clock.Now(), since=Subquery(due.values("due_at")[:1]))
        .filter(since__isnull=False)
    )
    busy = WebhookEndpoint.objects.filter(is_suspect=True, busy_until__gt=clock.Now())
    if busy.count() >= MOST_SUSPECTS:
        rows = rows.filter(is_suspect=False)
    return rows.order_by("is_suspect", "since")


def _send_round(lease: Lease, is_stopping: Callable[[], bool]) -> int:
    """Send due deliveries in their order, until one fails or the round is over."""
    sent, end, current = 0, time.monotonic() + ROUND_S, lease
    for delivery in _due_deliveries(lease.endpoint):
        if is_stopping() or time.monotonic() > end:
            break
        attempt = send_delivery(current.endpoint, delivery)
        sent += 1
        webhook_metrics.ATTEMPTS.labels(attempt.result.value).inc()
        kept = _record_patiently(current, delivery, attempt)
        if kept is None:
            return sent
        current = kept
    _release(current)
    return sent


def _record_patiently(lease: Lease, delivery: WebhookDelivery, attempt: Attempt) -> Lease | None:
    """As `record_attempt`, tried again while the database is away for a moment: what is not written
    down is sent twice."""
    for pause_s in RECORD_PAUSES_S:
        try:
            return record_attempt(lease, delivery, attempt)
        except DatabaseAway:
            time.sleep(pause_s)
    return record_attempt(lease, delivery, attempt)


def _due_deliveries(endpoint: WebhookEndpoint) -> list[WebhookDelivery]:
    with availability.require_database():
        rows = WebhookDelivery.objects.select_related("message").filter(
            endpoint=endpoint, state=DeliveryState.WAITING, due_at__lte=clock.Now()
        )
        return list(rows.order_by("due_at", "message_id")[:ROUND_DELIVERIES])


def send_delivery(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> Attempt:
    """One attempt, signed at the database's time. Writes nothing."""
    with availability.require_database():
        now = clock.read_now()
    _return_connection()
    message: OutboxMessage = delivery.message
    body = wire_body(message)
    try:
        headers = signatures.signed_headers(endpoint, message.message_id, body.decode(), now=now)
    except MissingKey as missing:
        logger.error("webhooks of %s can't be signed: %s", endpoint.pk, missing)
        return Attempt(Result.UNSIGNED)
    return sender.post_message(endpoint.url, body, headers, addresses.rules_of_settings())


def _return_connection() -> None:
    """Other threads may need it while this one waits for an answer."""
    if not connection.in_atomic_block:
        connection.close()


def record_attempt(lease: Lease, delivery: WebhookDelivery, attempt: Attempt) -> Lease | None:
    """Write down how an attempt ended. Returns the renewed lease for the next delivery; None: send
    no more, since it failed, or since the lease had ended and the delivery is another's by now.
    Raises DatabaseAway; then it will be sent again."""
    with availability.require_database(), transaction.atomic():
        now = clock.read_now()
        endpoint = lease.endpoint
        held = WebhookEndpoint.objects.filter(pk=endpoint.pk, busy_until=lease.until)
        succeeded = attempt.result is Result.DELIVERED
        until = now + LEASE if succeeded else None
        changes = _endpoint_changes(endpoint, delivery, attempt, now)
        if held.update(busy_until=until, **changes) != 1:
            return None
        row = WebhookDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts)
        row.update(**_delivery_changes(delivery, attempt, now))
        if "is_enabled" in changes:
            trail.record_act(
                Act.CHANGED, kind="webhookendpoint", id=endpoint.pk, before={"is_enabled": True},
                after={"is_enabled": False, "disabled_reason": changes["disabled_reason"]},
            )  # fmt: skip
    if succeeded:
        webhook_metrics.DELAY.observe((now - delivery.message.at).total_seconds())
    if "is_enabled" in changes:
        logger.warning("webhook endpoint %s is disabled: %s", endpoint.pk, attempt.result)
    return replace(lease, until=until) if until is not None else None


def _endpoint_changes(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, attempt: Attempt, now: datetime
) -> dict[str, Any]:
    if attempt.result is Result.DELIVERED:
        return {
            "failures": 0,
            "paused_until": None,
            "is_suspect": attempt.duration_ms > SLOW_MS,
        }
    pause_s = min(2 ** min(endpoint.failures, 10), LONGEST_PAUSE_S)
    changes: dict[str, Any] = {
        "failures": F("failures") + 1,
        "is_suspect": True,
        "paused_until": now + timedelta(seconds=pause_s),
    }
    reason = _disabling_reason(delivery, attempt)
    if reason:
        changes |= {"is_enabled": False, "disabled_at": now, "disabled_reason": reason}
    return changes


def _disabling_reason(delivery: WebhookDelivery, attempt: Attempt) -> str:
    """Why this attempt disables the endpoint, a code with the last answer; empty: it doesn't."""
    if attempt.result is Result.GONE:
        return "gone: 410"
    if delivery.attempts + 1 >= MOST_ATTEMPTS:
        return f"attempts: {attempt.status or attempt.result.value}"
    return ""


def _delivery_changes(delivery: WebhookDelivery, attempt: Attempt, now: datetime) -> dict[str, Any]:
    attempts = delivery.attempts + 1
    changes: dict[str, Any] = {
        "attempts": attempts,
        "last_at": now,
        "last_status": attempt.status,
        "last_error": "" if attempt.result is Result.DELIVERED else attempt.result.value,
        "answer": attempt.answer or None,
        "duration_ms": attempt.duration_ms,
    }
    if attempt.result is Result.DELIVERED:
        return changes | {"state": DeliveryState.DELIVERED}
    if attempt.result is Result.GONE:  # kept for a receiver that comes back
        return changes | {"due_at": now}
    if attempts >= MOST_ATTEMPTS:
        return changes | {"state": DeliveryState.FAILED}
    wait = max(DELAYS[attempts - 1], attempt.retry_after or timedelta())
    return changes | {"due_at": now + wait}


def _release(lease: Lease) -> None:
    with availability.require_database():
        WebhookEndpoint.objects.filter(pk=lease.endpoint.pk, busy_until=lease.until).update(
            busy_until=None
        )
