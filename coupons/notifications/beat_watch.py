"""Whether beat is silent. Without models, for the workers' watchdogs: they have no database."""

from django.conf import settings

from coupons.store import store

BEAT_DEAD_S = 60  # since the last sweep, which beat asks for every second


def is_anybody_named() -> bool:
    """Whether there is anybody to notify."""
    return bool(settings.NOTIFY_EMAILS or settings.NOTIFY_WEBHOOK_URL)


def silent_beat_s() -> int | None:
    """Seconds since the last sweep, if that is too long; None: beat is well, or none ran yet.
    Raises StoreAway, StoreError."""
    age_ms = store().wakeups.sweep_age_ms()
    if age_ms is None or age_ms < 1000 * BEAT_DEAD_S:
        return None
    return age_ms // 1000
