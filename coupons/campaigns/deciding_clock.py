"""The clock by which campaigns open and close: Redis' for queued ones, MySQL's for direct ones.

Whatever is decided about a campaign's window is decided by it, on every host. A host's own clock is
for durations and log lines.
"""

from datetime import datetime

from coupons import timestamps
from coupons.database import clock
from coupons.errors import StoreAway
from coupons.models import Campaign
from coupons.store import store


def deciding_now(strategy: str) -> datetime:
    """Raises StoreAway or DatabaseAway: then nobody knows."""
    if strategy == Campaign.Strategy.QUEUED:
        return timestamps.moment_of(store().now_ms())
    return timestamps.moment_of(clock.now_ms())


def now_if_redis_is_away(strategy: str) -> datetime:
    """As `now`, and MySQL's clock where Redis' is not known: good enough to look, not to decide."""
    try:
        return deciding_now(strategy)
    except StoreAway:
        return deciding_now(Campaign.Strategy.DIRECT)
