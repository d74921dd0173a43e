"""Conversion of moments: milliseconds since the Unix epoch, text for the stores and the API (UTC),
and text for people (in TIME_ZONE, which is always named)."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils import timezone

LAST_MS = 253_402_300_799_999  # the last millisecond of the year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def moment_of(ms: int) -> datetime:
    """Milliseconds since the Unix epoch as an aware moment, exact to the millisecond."""
    whole, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000)


@lru_cache(maxsize=4096)  # the claims of a batch share their seconds
def _text_of_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def text_of(ms: int) -> str:
    """A moment as Django stores it in MySQL and in SQLite: UTC, microseconds."""
    second, rest = divmod(ms, 1000)
    return f"{_text_of_second(second)}.{rest:03d}000"


def iso_of(ms: int) -> str:
    """A moment as in the API: RFC 3339, in UTC, to the millisecond."""
    second, rest = divmod(ms, 1000)
    return f"{_text_of_second(second).replace(' ', 'T')}.{rest:03d}Z"


def iso_text(at: datetime) -> str:
    """As `iso_of`, of an aware moment."""
    return iso_of(milliseconds_of(at))


def milliseconds_of(at: datetime) -> int:
    """The inverse of `moment_of`; microseconds are cut off. Integer arithmetic: a float of seconds
    would round the last microseconds of the year 9999 to the year 10000."""
    return (at - _EPOCH) // _MILLISECOND


def local_time(at: datetime) -> datetime:
    """The moment in TIME_ZONE; in UTC if it is out of range there (the last day of 9999)."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at.astimezone(UTC)


def local_text(at: datetime) -> str:
    """The local time to the millisecond, with the zone's name."""
    local = local_time(at)
    return f"{local:%Y-%m-%d} {local:%H:%M:%S}.{local.microsecond // 1000:03} {local:%Z}"


def short_text(at: datetime) -> str:
    """As `local_text`, without seconds and milliseconds that are zero."""
    day, time, zone = local_text(at).split()
    return f"{day} {time.removesuffix('.000').removesuffix(':00')} {zone}"


def clock_text(at: datetime) -> str:
    """The local time of day, to the second, with the zone's name."""
    return f"{local_time(at):%H:%M:%S %Z}"
