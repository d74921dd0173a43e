"""Which entries of a queue our service was asked for (QUEUE_MAC; `claims.queue_macs`)."""

import logging

from django.conf import settings

from coupons.campaigns import lookup, snapshot
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import queue_macs
from coupons.claims.values import QueueMac, Reason
from coupons.database import availability
from coupons.errors import UnknownCampaign
from coupons.issuing.queue import Batch
from coupons.models import Campaign

logger = logging.getLogger(__name__)  # config.log_limits: one line a second


def trusted_snapshot(slug: str) -> CampaignSnapshot:
    """The campaign's snapshot for the drain. Unless QUEUE_MAC is off, from MySQL: whoever writes
    to Redis could make a gate's definition name another campaign. Raises UnknownCampaign,
    DatabaseAway, MissingKey."""
    if settings.QUEUE_MAC == QueueMac.OFF:
        return lookup.find_snapshot(slug)
    with availability.require_database():
        row = Campaign.objects.filter(slug=slug).exclude(state=Campaign.State.DRAFT).first()
    if row is None:
        raise UnknownCampaign
    return snapshot.snapshot_of(row)


def set_aside_doubtful(campaign: CampaignSnapshot, batch: Batch) -> None:
    """Move claims without the MAC that they need from `claims` to `doubtful`."""
    if settings.QUEUE_MAC == QueueMac.OFF:
        return
    for entry, claim in list(batch.claims.items()):
        reason = queue_macs.claim_doubt(campaign.key, claim)
        if reason is not None:
            batch.doubtful[entry] = reason
            del batch.claims[entry]


def log_doubtful(slug: str, reason: Reason, entry: str) -> None:
    logger.error("a claim of %s was parked: %s (entry %s)", slug, reason, entry)
