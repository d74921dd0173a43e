"""What merchants and operators do to endpoints: make, change, roll, test, replay, remove."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from coupons.audit import trail, watched
from coupons.claims.identifiers import make_uuid7
from coupons.database import availability, clock
from coupons.errors import BadInput
from coupons.models import Act, DeliveryState, OutboxMessage, WebhookDelivery, WebhookEndpoint
from coupons.webhooks import addresses, events, routing
from coupons.webhooks.addresses import AddressRefused

MOST_ENDPOINTS = 10  # of a merchant
LONGEST_OVERLAP = timedelta(days=7)  # in which both secrets sign
MOST_REPLAYED = 10_000  # events in one call


def checked_url(url: object) -> str:
    """Raises BadInput for an address to which the sender would not send."""
    if not isinstance(url, str):
        raise BadInput("url", "must be an https address")
    try:
        addresses.parse_target(url, addresses.rules_of_settings())
    except AddressRefused as refused:
        raise BadInput("url", f"{refused}") from None
    return url


def checked_types(types: object) -> list[str]:
    """Raises BadInput for a pattern that matches no event."""
    if not isinstance(types, list) or not all(pattern in events.PATTERNS for pattern in types):
        raise BadInput("types", f"must be a list of some of: {', '.join(events.PATTERNS)}")
    return list(dict.fromkeys(types))


def create_endpoint(merchant_id: int, *, url: str, types: Sequence[str]) -> WebhookEndpoint:
    """A new endpoint: events from now on. Raises BadInput, DatabaseAway."""
    endpoint = WebhookEndpoint(
        id=make_uuid7(),
        merchant_id=merchant_id,
        url=checked_url(url),
        types=checked_types(list(types)),
        key_id=next(iter(settings.COUPON_KEYS)),
    )
    with availability.require_database(), transaction.atomic():
        if WebhookEndpoint.objects.filter(merchant_id=merchant_id).count() >= MOST_ENDPOINTS:
            raise BadInput("url", f"a merchant has at most {MOST_ENDPOINTS} endpoints")
        endpoint.save(force_insert=True)
    return endpoint


def delete_endpoint(endpoint: WebhookEndpoint) -> None:
    """With its deliveries, in batches. Raises DatabaseAway."""
    while True:
        with availability.require_database(), transaction.atomic():
            rows = WebhookDelivery.objects.filter(endpoint=endpoint)
            batch = list(rows.values_list("pk", flat=True)[: routing.BATCH])
            if not batch:
                WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()
                return
            WebhookDelivery.objects.filter(pk__in=batch).delete()


def find_endpoint(merchant_id: int, endpoint_id: UUID) -> WebhookEndpoint | None:
    """None: there is none, or it is another merchant's."""
    with availability.require_database():
        return WebhookEndpoint.objects.filter(merchant_id=merchant_id, pk=endpoint_id).first()


def change_endpoint(
    endpoint: WebhookEndpoint, *, url: object = None, types: object = None, enabled: object = None
) -> WebhookEndpoint:
    """Change what is given. Raises BadInput, DatabaseAway."""
    changes: dict[str, Any] = {}
    if url is not None:
        changes["url"] = checked_url(url)
    if types is not None:
        changes["types"] = checked_types(types)
    if enabled is not None and not isinstance(enabled, bool):
        raise BadInput("enabled", "must be true or false")
    with availability.require_database():
        if enabled is not None:
            changes |= _switched(enabled=enabled)
        with transaction.atomic():
            before = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
            if changes:
                WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changes)
            after = WebhookEndpoint.objects.get(pk=endpoint.pk)
            watched.record_change(before, after)
        return after


def _switched(*, enabled: bool) -> dict[str, Any]:
    """What it collected while it was disabled is sent at once."""
    if enabled:
        return {
            "is_enabled": True,
            "disabled_at": None,
            "disabled_reason": "",
            "failures": 0,
            "paused_until": None,
            "is_suspect": False,
        }
    return {"is_enabled": False, "disabled_at": clock.read_now(), "disabled_reason": "asked"}


def roll_secret(endpoint: WebhookEndpoint, *, overlap: timedelta) -> WebhookEndpoint:
    """Give it a new secret; both sign for as long as `overlap`. Raises BadInput, DatabaseAway."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise BadInput("overlap_s", "must be a whole number from 0 to 604800")
    with availability.require_database(), transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        row.secret_number += 1
        row.old_secret_until = clock.read_now() + overlap
        row.save(update_fields=["secret_number", "old_secret_until"])
    return row


def send_test(endpoint: WebhookEndpoint) -> OutboxMessage:
    """A `webhook.test` for this endpoint alone. Raises DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        now = clock.read_now()
        message = OutboxMessage(
            message_id=make_uuid7(),
            merchant_id=endpoint.merchant_id,
            type=events.TEST,
            at=now,
            body={"endpoint": str(endpoint.pk)},
            is_routed=True,
        )
        message.save(force_insert=True)
        WebhookDelivery(message=message, endpoint=endpoint, due_at=now).save(force_insert=True)
        _record(Act.TOLD, endpoint, {"message": str(message.message_id)})
    return message


def replay_since(endpoint: WebhookEndpoint, since: datetime) -> tuple[int, datetime | None]:
    """Send again all events since then that it wants, with the same `webhook-id`. Returns how many,
    and from when to go on if there were more than MOST_REPLAYED, else None. Events not routed yet
    are sent anyway. Raises BadInput, DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        now = clock.read_now()
        if not now - routing.KEPT <= since <= now:
            raise BadInput("since", "must be within the last 30 days")
        rows = OutboxMessage.objects.filter(
            merchant_id=endpoint.merchant_id, at__gte=since, is_routed=True
        ).order_by("at", "id")
        found = list(rows.values_list("pk", "type", "at")[: MOST_REPLAYED + 1])
        more = found[MOST_REPLAYED][2] if len(found) > MOST_REPLAYED else None
        wanted = [pk for pk, type, _at in found[:MOST_REPLAYED] if _may_replay(endpoint, type)]
        _make_due(endpoint, wanted, now)
        _record(Act.RESENT, endpoint, {"since": since.isoformat(), "count": len(wanted)})
    return len(wanted), more


def _record(verb: Act, endpoint: WebhookEndpoint, after: dict[str, Any]) -> None:
    trail.record_act(verb, kind="webhookendpoint", id=endpoint.pk, after=after)


def _may_replay(endpoint: WebhookEndpoint, type: str) -> bool:
    return type != events.TEST and events.matches_type(endpoint.types, type)


def _make_due(endpoint: WebhookEndpoint, message_ids: list[int], now: datetime) -> None:
    for first in range(0, len(message_ids), routing.BATCH):
        batch = message_ids[first : first + routing.BATCH]
        rows = WebhookDelivery.objects.filter(endpoint=endpoint, message_id__in=batch)
        known = set(rows.values_list("message_id", flat=True))
        rows.update(state=DeliveryState.WAITING, attempts=0, due_at=now)
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(message_id=pk, endpoint=endpoint, due_at=now)
            for pk in batch
            if pk not in known
        )
