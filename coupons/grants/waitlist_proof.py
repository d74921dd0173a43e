"""Which of those who joined a waitlist our service was asked for (QUEUE_MAC)."""

import logging

from django.conf import settings

from coupons.campaigns import snapshot
from coupons.claims import queue_macs
from coupons.claims.values import QueueMac
from coupons.database import availability
from coupons.models import Campaign
from coupons.store.waitlist import JoinedBatch, Waiter

logger = logging.getLogger(__name__)  # config.log_limits: one line a second


def proven_waiters(slug: str, batch: JoinedBatch) -> list[Waiter]:
    """The readable ones, without those that lack the MAC they need. Raises DatabaseAway,
    MissingKey."""
    waiters = {entry: one for entry, one in batch.waiters.items() if one is not None}
    if settings.QUEUE_MAC == QueueMac.OFF:
        return list(waiters.values())
    with availability.require_database():
        row = Campaign.objects.only("slug", "key_id").get(slug=slug)
    key, proven = snapshot.campaign_key_of(row.key_id, slug), []
    for entry, waiter in waiters.items():
        reason = queue_macs.waiter_doubt(key, waiter.user, batch.macs[entry])
        if reason is None:
            proven.append(waiter)
        else:
            logger.error("%s joined no waitlist of %s: %s", waiter.user[:64], slug, reason)
    return proven
