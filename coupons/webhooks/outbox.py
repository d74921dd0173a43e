"""The outbox: events to tell merchants, written in the transaction that they tell of."""

from datetime import datetime
from typing import Any

from coupons.claims.identifiers import make_uuid7
from coupons.models import OutboxMessage


def record_message(merchant_id: int | None, type: str, body: dict[str, Any], at: datetime) -> None:
    """Add an event, to be sent after the caller's transaction has committed. Campaigns of the site
    itself (`merchant_id` None) have nobody to tell. `at`: the database's clock, UTC."""
    if merchant_id is not None:
        OutboxMessage(
            message_id=make_uuid7(), merchant_id=merchant_id, type=type, at=at, body=body
        ).save(force_insert=True)


def record_messages(
    merchant_id: int | None, type: str, bodies: list[dict[str, Any]], at: datetime
) -> None:
    """As `record_message`, for many events of one type."""
    if merchant_id is None:
        return
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                message_id=make_uuid7(), merchant_id=merchant_id, type=type, at=at, body=body
            )
            for body in bodies
        ]
    )
