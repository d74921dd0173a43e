"""The demand for a campaign's coupons, second by second: from Redis, and what is kept in MySQL.

Redis has the last minutes (`store.demand`); a task of beat copies whole minutes to MySQL, so that
charts and reports outlive the sale: from a day before the opening until a week after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from coupons.campaigns.fault_isolation import isolate_campaign, successful_answers
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.database import availability, clock
from coupons.models import Campaign, CampaignDemand
from coupons.observability.hot_counters import DEMAND_BUCKETS_MS
from coupons.observability.metrics import Work
from coupons.store import store
from coupons.store.demand import RING_S, DemandSecond, read_words, words_of

__all__ = ["DEMAND_BUCKETS_MS", "DemandSecond", "keep_demand", "kept_demand", "read_demand"]

KEPT_BEFORE, KEPT_AFTER = timedelta(days=1), timedelta(days=7)  # of the opening
MINUTE_MS = 60_000
LATE_MS = 5_000  # a minute is whole so long after its end: processes send twice a second


def read_demand(campaign: Campaign, since_ms: int | None = None) -> list[DemandSecond]:
    """Every second in which somebody asked, the oldest first, from `since_ms` on (Redis' clock).
    Raises StoreAway, StoreError, DatabaseAway."""
    kept = kept_demand(campaign, since_ms)
    seconds, _ = store().demand.read_seconds(campaign.slug)
    after_ms = _minute_of(kept[-1].second_ms) + MINUTE_MS if kept else 0
    first_ms = max(after_ms, since_ms or 0)
    return kept + [second for second in seconds if second.second_ms >= first_ms]


def kept_demand(
    campaign: Campaign, since_ms: int | None = None, *, until_ms: int | None = None
) -> list[DemandSecond]:
    """As `read_demand`, of what is in MySQL: without the last minutes; before `until_ms` only.
    Raises DatabaseAway."""
    since_ms = since_ms or 0
    rows = CampaignDemand.objects.filter(
        campaign=campaign, minute__gte=moment_of(_minute_of(since_ms))
    )
    if until_ms is not None:
        rows = rows.filter(minute__lt=moment_of(until_ms))
    with availability.require_database():
        found = list(rows.order_by("minute").values_list("minute", "seconds"))
    seconds = [second for minute, words in found for second in _seconds_of(minute, words)]
    return [second for second in seconds if second.second_ms >= since_ms]


def _seconds_of(minute: Any, words_by_second: dict[str, dict[str, int]]) -> list[DemandSecond]:
    begin_ms = milliseconds_of(minute)
    in_order = sorted((int(second), words) for second, words in words_by_second.items())
    return [read_words(begin_ms + 1000 * second, words) for second, words in in_order]


def _minute_of(ms: int) -> int:
    return ms - ms % MINUTE_MS


def keep_demand() -> int:
    """Copy the minutes that are whole and not in MySQL yet. Returns how many. Safe to run twice or
    in parallel: the first copy of a minute stays. Raises StoreAway, DatabaseAway."""
    now = clock.read_now()
    with availability.require_database():
        around = Campaign.objects.exclude(state=Campaign.State.DRAFT).filter(
            opens_at__gt=now - KEPT_AFTER, opens_at__lt=now + KEPT_BEFORE
        )
        campaigns = {row.slug: row for row in around}
    answers, now_ms = store().demand.demanded_slugs(list(campaigns))
    asked = [slug for slug, any_ in successful_answers(answers, Work.DEMAND).items() if any_]
    newest = _newest_minutes([campaigns[slug] for slug in asked])
    kept = 0
    for slug in asked:
        with isolate_campaign(slug, Work.DEMAND):
            kept += _keep_minutes(campaigns[slug], newest.get(campaigns[slug].pk, 0), now_ms)
    return kept


def _newest_minutes(campaigns: Sequence[Campaign]) -> dict[int, int]:
    """Campaign id → the newest minute in MySQL, ms."""
    rows = CampaignDemand.objects.filter(campaign__in=campaigns)
    with availability.require_database():
        newest = rows.values_list("campaign").annotate(newest=Max("minute"))
        return {pk: milliseconds_of(minute) for pk, minute in newest}


def _keep_minutes(campaign: Campaign, newest_ms: int, now_ms: int) -> int:
    oldest_ms = _minute_of(now_ms - 1000 * RING_S) + MINUTE_MS  # whole in the ring
    first_ms = max(oldest_ms, newest_ms + MINUTE_MS)
    end_ms = _minute_of(now_ms - LATE_MS)
    rows = _rows(campaign, store().demand.read_minutes(campaign.slug, first_ms, end_ms))
    if not rows:
        return 0
    try:
        with availability.require_database(), transaction.atomic():
            CampaignDemand.objects.bulk_create(rows)
    except IntegrityError:  # another worker has kept them meanwhile; the next look goes on there
        return 0
    return len(rows)


def _rows(campaign: Campaign, seconds: Iterable[DemandSecond]) -> list[CampaignDemand]:
    minutes: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
    for second in seconds:
        begin_ms = _minute_of(second.second_ms)
        minutes[begin_ms][str((second.second_ms - begin_ms) // 1000)] = words_of(second)
    return [
        CampaignDemand(campaign=campaign, minute=moment_of(begin_ms), seconds=words)
        for begin_ms, words in minutes.items()
    ]
