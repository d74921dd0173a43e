"""The published root of a campaign, for pages and the API."""

from dataclasses import dataclass
from datetime import datetime

from coupons.database import availability
from coupons.errors import DatabaseAway
from coupons.models import CampaignProof
from coupons.proof.build import base64_of
from coupons.runtime import ProcessState

MOST_CACHED = 1_000  # campaigns


@dataclass(frozen=True, slots=True)
class PublishedProof:
    """`root` in base64; `size` in places."""

    root: str
    size: int
    coupons: int
    closed_at: datetime
    proved_at: datetime


# A root never changes, so it is read once; that there is none yet is asked each time.
_published: ProcessState[dict[int, PublishedProof]] = ProcessState(dict)


def find_published(campaign_id: int) -> PublishedProof | None:
    """None: there is no root yet, or MySQL, which knows it, is away."""
    cache = _published.current
    if campaign_id not in cache:
        found = _read_published(campaign_id)
        if found is None:
            return None
        if len(cache) >= MOST_CACHED:
            cache.clear()
        cache[campaign_id] = found
    return cache[campaign_id]


def _read_published(campaign_id: int) -> PublishedProof | None:
    proofs = CampaignProof.objects.filter(campaign_id=campaign_id, root__isnull=False)
    try:
        with availability.require_database():
            row = proofs.defer("nodes", "holes").first()
    except DatabaseAway:
        return None
    if row is None or row.root is None or row.proved_at is None:
        return None
    root = base64_of(bytes(row.root))
    return PublishedProof(root, row.size, row.coupons, row.closed_at, row.proved_at)
