"""What happens in the next ten minutes, in all campaigns: from their moments in MySQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from coupons.campaigns.lifecycle import LIVE
from coupons.campaigns.shared_value import SharedValue
from coupons.database import availability, clock
from coupons.models import Campaign
from coupons.runtime import ProcessState

AHEAD = timedelta(minutes=10)
MOST_SHOWN = 20
_READ = ("slug", "state", "announced_at", "opens_at", "closes_at", "valid_until", "valid_days")
FRESH_S, STALE_S, KEPT_S = 10.0, 60.0, 60.0  # see `shared_value`


class Happening(StrEnum):
    ANNOUNCED = "announced"
    OPENS = "opens"
    CLOSES = "closes"
    EXPIRES = "expires"  # its first coupons, or all of them; recorded by a sweep every 30 s


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    what: Happening
    pk: int
    slug: str


def _new_agenda() -> SharedValue[tuple[Entry, ...]]:
    return SharedValue(fresh_s=FRESH_S, stale_s=STALE_S, kept_s=KEPT_S)


_agenda = ProcessState(_new_agenda)


def next_minutes(now: datetime) -> tuple[Entry, ...]:
    """What lies ahead of `now`, in order, at most MOST_SHOWN; read at most FRESH_S ago. Raises
    DatabaseAway, StoreAway (another thread has been reading it for long)."""
    return tuple(entry for entry in _agenda.current.read_value(_load) if entry.at > now)


def _load() -> tuple[Entry, ...]:
    now = clock.read_now()
    until = now + AHEAD
    soon = Q()
    for name in ("announced_at", "opens_at", "closes_at", "valid_until"):
        soon |= Q(**{f"{name}__gt": now, f"{name}__lte": until})
    public = Campaign.objects.exclude(state=Campaign.State.DRAFT)
    with availability.require_database():
        rows = list(
            public.filter(soon | Q(valid_days__isnull=False, opens_at__lte=now)).only(*_READ)
        )
    entries = [entry for row in rows for entry in _entries(row) if now < entry.at <= until]
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.slug))[:MOST_SHOWN])


def _entries(row: Campaign) -> Iterator[Entry]:
    if row.state in LIVE:
        if row.announced_at is not None:
            yield Entry(row.announced_at, Happening.ANNOUNCED, row.pk, row.slug)
        yield Entry(row.opens_at, Happening.OPENS, row.pk, row.slug)
        yield Entry(row.closes_at, Happening.CLOSES, row.pk, row.slug)
    expires = row.valid_until or row.opens_at + timedelta(days=row.valid_days or 0)
    yield Entry(expires, Happening.EXPIRES, row.pk, row.slug)
