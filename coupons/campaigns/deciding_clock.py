"""The clock by which campaigns open and close: Redis' for queued ones, MySQL's for direct ones.

All decisions about a campaign's window use it, on every host. A host's own clock is only for
durations and log lines.
"""

from datetime import datetime

from coupons.claims import timestamps
from coupons.database import clock
from coupons.errors import StoreAway
from coupons.models import Campaign
from coupons.store import store


def deciding_now(strategy: str) -> datetime:
    """The time of the store that decides. Raises StoreAway or DatabaseAway."""
    if strategy == Campaign.Strategy.QUEUED:
        return timestamps.moment_of(store().server.now_ms())
    return timestamps.moment_of(clock.now_ms())


def now_if_redis_is_away(strategy: str) -> datetime:
    """As `deciding_now`, with MySQL's clock as fallback for Redis': for display only, not for
    decisions. Raises DatabaseAway."""
    try:
        return deciding_now(strategy)
    except StoreAway:
        return deciding_now(Campaign.Strategy.DIRECT)
