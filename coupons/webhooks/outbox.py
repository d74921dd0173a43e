"""The outbox: events to tell merchants, written in the transaction that they tell of.

So an event is told if and only if it has happened: a rolled-back transaction leaves no message, and
a process that dies after its commit has left one. The wake-up after the commit may be lost: beat
wakes the sender every second.
"""

import time
from datetime import datetime
from typing import Any

from django.db import transaction

from coupons import dry_run
from coupons.broker import wakeups
from coupons.claims.identifiers import make_uuid7
from coupons.models import OutboxMessage
from coupons.runtime import ProcessState

_WAKE_EVERY_S = 0.5  # in one process; beat wakes the sender as well
_BROKER_AWAY_S = 5.0  # a request must not wait for a broker that is away, again and again


class _Wakeups:
    def __init__(self) -> None:
        self.next_s = 0.0  # monotonic


_wakeups = ProcessState(_Wakeups)


def record_message(merchant_id: int | None, type: str, body: dict[str, Any], at: datetime) -> None:
    """Add an event, to be sent after the caller's transaction has committed. Campaigns of the site
    itself (`merchant_id` None) have nobody to tell. `at`: the database's clock, UTC."""
    record_messages(merchant_id, type, [body], at)


def record_messages(
    merchant_id: int | None, type: str, bodies: list[dict[str, Any]], at: datetime
) -> None:
    """As `record_message`, for many events of one type."""
    if merchant_id is None or not bodies:
        return
    dry_run.noted("messages", len(bodies))  # its row is rolled back
    dry_run.noted(f"merchant {merchant_id}")
    dry_run.noted(f"message {merchant_id} {type}")
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                message_id=make_uuid7(), merchant_id=merchant_id, type=type, at=at, body=body
            )
            for body in bodies
        ]
    )
    transaction.on_commit(_wake_sender, robust=True)


def _wake_sender() -> None:
    state, now = _wakeups.current, time.monotonic()
    if now >= state.next_s:
        state.next_s = now + _WAKE_EVERY_S
        if not wakeups.notify_delivery():
            state.next_s = now + _BROKER_AWAY_S
