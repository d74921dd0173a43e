"""From the outbox to deliveries: one for each endpoint of the merchant that wants the event."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from coupons.database import availability, clock
from coupons.models import OutboxMessage, WebhookDelivery, WebhookEndpoint
from coupons.webhooks.events import matches_type

BATCH = 500
KEPT = timedelta(days=30)  # events and deliveries; until then they can be replayed


def route_messages() -> int:
    """Make the deliveries of events that have none yet, BATCH in a transaction. Returns how many
    events there were. Two routers at a time take different events. A disabled endpoint gets its
    deliveries, too: they wait until it is enabled. Raises DatabaseAway."""
    routed = 0
    while batch := _route_batch():
        routed += batch
        if batch < BATCH:
            break
    return routed


def _route_batch() -> int:
    with availability.require_database(), transaction.atomic():
        messages = list(
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(is_routed=False)
            .annotate(now=clock.Now())
            .order_by("id")[:BATCH]
        )
        if not messages:
            return 0
        endpoints = _endpoints_of({message.merchant_id for message in messages})
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(message=message, endpoint_id=endpoint.pk, due_at=messages[0].now)
            for message in messages
            for endpoint in endpoints[message.merchant_id]
            if matches_type(endpoint.types, message.type)
        )
        OutboxMessage.objects.filter(pk__in=[message.pk for message in messages]).update(
            is_routed=True
        )
    return len(messages)


def _endpoints_of(merchant_ids: set[int]) -> dict[int, list[WebhookEndpoint]]:
    found: dict[int, list[WebhookEndpoint]] = defaultdict(list)
    for endpoint in WebhookEndpoint.objects.filter(merchant_id__in=merchant_ids):
        found[endpoint.merchant_id].append(endpoint)
    return found


def hearing_merchants(told: Iterable[tuple[int, str]]) -> set[int]:
    """Of merchants to be told of events of these types, those that hear of one now: by an endpoint
    that is enabled and wants it. Raises DatabaseAway."""
    types = list(told)
    with availability.require_database():
        endpoints = _endpoints_of({merchant for merchant, _type in types})
    return {
        merchant
        for merchant, type in types
        for endpoint in endpoints[merchant]
        if endpoint.is_enabled and matches_type(endpoint.types, type)
    }


def remove_old_messages() -> int:
    """Remove at most BATCH events that are older than KEPT, with their deliveries. Returns how many
    there were. Raises DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        oldest = OutboxMessage.objects.annotate(now=clock.Now()).order_by("id")[:BATCH]
        old = [message.pk for message in oldest if message.at < message.now - KEPT]
        if old:
            WebhookDelivery.objects.filter(message_id__in=old).delete()
            OutboxMessage.objects.filter(pk__in=old).delete()
    return len(old)
