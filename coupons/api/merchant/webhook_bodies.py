"""What the API says of webhook endpoints and deliveries. Never what a receiver has answered: its
text would show the merchant what our host can reach."""

from datetime import datetime
from typing import Any

from coupons.claims.timestamps import iso_of, milliseconds_of
from coupons.models import DeliveryState, WebhookDelivery, WebhookEndpoint


def endpoint_body(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """`disabled_reason`: `asked`, `gone: 410`, `attempts: ` and the last answer; empty if enabled.
    `old_secret_until`: until then the former secret signs, too."""
    return {
        "id": str(endpoint.pk),
        "url": endpoint.url,
        "types": list(endpoint.types),
        "enabled": endpoint.is_enabled,
        "disabled_at": _iso(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "failures": endpoint.failures,
        "secret_number": endpoint.secret_number,
        "old_secret_until": _iso(endpoint.old_secret_until),
        "created_at": _iso(endpoint.created_at),
    }


def delivery_body(delivery: WebhookDelivery) -> dict[str, Any]:
    is_waiting = delivery.state == DeliveryState.WAITING
    return {
        "id": str(delivery.message.message_id),  # `webhook-id`
        "type": delivery.message.type,
        "at": _iso(delivery.message.at),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_at": _iso(delivery.due_at) if is_waiting else None,
        "last_at": _iso(delivery.last_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "duration_ms": delivery.duration_ms,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso_of(milliseconds_of(at))
