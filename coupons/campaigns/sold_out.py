"""When a campaign sold out: a field and a line of its history, recorded within about a second.

The moment is the deciding store's own: the gate's `last`, the last coupon's of a direct campaign.
Recorded once for each stock that is open to everyone. The campaign's field keeps the first time,
when what was planned was gone; the history has each: a raised stock sells out again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from coupons.audit import log
from coupons.campaigns import last_place
from coupons.campaigns.fault_isolation import isolate_campaign, successful_answers
from coupons.campaigns.lifecycle import CLOCK, LIVE, State
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.database import availability, clock
from coupons.errors import StoreFailure
from coupons.models import Campaign, EventKind, Tally
from coupons.observability.metrics import Work
from coupons.store import store

logger = logging.getLogger(__name__)

# A campaign that sells out in the second in which it closes is looked at once it has closed.
LOOKED_AT_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LastPlace:
    """`is_exact`: `ms` is when the last place was given. If not, that moment is not known (the
    stock was lowered to what was given, or Redis lost it): it is when this was noticed."""

    ms: int
    is_exact: bool


def record_sold_out() -> int:
    """Record which campaigns have given the last place of their stock. Returns how many. A campaign
    whose row is locked is left for the next call. Raises DatabaseAway."""
    with availability.require_database():
        candidates = list(_candidates())
    recorded = 0
    for campaign, last in [*_sold_out_queued(candidates), *_sold_out_direct(candidates)]:
        with isolate_campaign(campaign.slug, Work.STATE), availability.require_database():
            recorded += _record(campaign, last)
    return recorded


def _candidates() -> Iterable[Campaign]:
    """Campaigns that run, or closed just now, and whose present stock was not seen sold out."""
    now = clock.read_now()
    rows = Campaign.objects.exclude(sold_out_stock=F("stock") - F("granted"))
    running = rows.filter(state__in=LIVE, opens_at__lte=now)
    closed = rows.filter(state=State.CLOSED, closes_at__gt=now - LOOKED_AT_AFTER)
    return [*running, *closed]


def _sold_out_queued(candidates: list[Campaign]) -> list[tuple[Campaign, LastPlace]]:
    queued = {row.slug: row for row in candidates if row.strategy == Campaign.Strategy.QUEUED}
    if not queued:
        return []
    try:
        gates = successful_answers(store().campaigns.gates(list(queued)), Work.STATE)
    except StoreFailure as away:  # direct campaigns need no Redis
        logger.warning("which queued campaigns have sold out is not known: %s", away)
        return []
    found = []
    for slug, gate in gates.items():
        if gate is None or gate.remaining or gate.epoch != queued[slug].epoch:
            continue
        with isolate_campaign(slug, Work.STATE):
            ms = store().live.read_gate(slug).last_place_ms
            found.append((queued[slug], LastPlace(ms or gate.now_ms, ms is not None)))
    return found


def _sold_out_direct(candidates: list[Campaign]) -> list[tuple[Campaign, LastPlace]]:
    direct = {row.pk: row for row in candidates if row.strategy == Campaign.Strategy.DIRECT}
    found = []
    with availability.require_database():
        for tally in Tally.objects.filter(campaign__in=direct):
            campaign = direct[tally.campaign_id]
            if tally.stored >= campaign.stock:
                ms = last_place.last_place_ms(campaign, tally.stored)
                found.append((campaign, LastPlace(ms or clock.now_ms(), ms is not None)))
    return found


def _record(campaign: Campaign, last: LastPlace) -> bool:
    """Compare-and-set: of two sweeps one writes the event, and none after a change of the stock."""
    open_stock = campaign.stock - campaign.granted
    unchanged = Campaign.objects.filter(
        pk=campaign.pk,
        stock=campaign.stock,
        granted=campaign.granted,
        sold_out_stock=campaign.sold_out_stock,
    )
    at = moment_of(last.ms)
    first_at = campaign.sold_out_at or at
    with transaction.atomic():
        if not unchanged.select_for_update(skip_locked=True).exists():
            return False
        if not unchanged.update(sold_out_stock=open_stock, sold_out_at=first_at):
            return False
        log.record_event_at(
            at,
            campaign,
            CLOCK,
            EventKind.SOLD_OUT,
            stock=open_stock,
            after_ms=ms_after_opening(campaign, last.ms),
            is_exact=last.is_exact,
        )
    return True


def ms_after_opening(campaign: Campaign, ms: int) -> int:
    """From the opening to this moment, in ms; 0 if it is before, as of two clocks."""
    return max(0, ms - milliseconds_of(campaign.opens_at))


def last_sold_out(campaign: Campaign) -> datetime | None:
    """When it sold out the last time, if that was not the first. Raises DatabaseAway."""
    if campaign.sold_out_at is None:
        return None
    with availability.require_database():
        again = campaign.events.filter(kind=EventKind.SOLD_OUT, at__gt=campaign.sold_out_at)
        return again.values_list("at", flat=True).first()
