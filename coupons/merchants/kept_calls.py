"""How long the answers to requests with an Idempotency-Key are kept, by the database's clock."""

from datetime import datetime, timedelta

from coupons.claims import timestamps
from coupons.database import availability, clock
from coupons.models import IdempotentCall

KEPT = timedelta(hours=24)
DELETED_AT_ONCE = 1_000  # rows per statement


def oldest_kept() -> datetime:
    """A row older than this counts as absent. Raises DatabaseAway."""
    return timestamps.moment_of(clock.now_ms()) - KEPT


def delete_old_calls() -> int:
    """Delete older rows, in batches. Returns how many. Raises DatabaseAway."""
    deleted = 0
    while True:
        with availability.require_database():
            old = IdempotentCall.objects.filter(at__lt=oldest_kept()).order_by("at")
            ids = list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])
            IdempotentCall.objects.filter(pk__in=ids).delete()
        deleted += len(ids)
        if len(ids) < DELETED_AT_ONCE:
            return deleted
