"""Moments as people read them: in one time zone everywhere (TIME_ZONE), which is always named."""

from datetime import UTC, datetime

from django.utils import timezone


def local_time(at: datetime) -> datetime:
    """In UTC what has no date in the local zone, on the calendar's last day."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at.astimezone(UTC)


def local_text(at: datetime) -> str:
    """To the millisecond."""
    local = local_time(at)
    return f"{local:%Y-%m-%d} {local:%H:%M:%S}.{local.microsecond // 1000:03} {local:%Z}"


def clock_text(at: datetime) -> str:
    """The time of day, to the second."""
    return f"{local_time(at):%H:%M:%S %Z}"
