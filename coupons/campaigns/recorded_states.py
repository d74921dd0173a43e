"""Openings and closings by the clock, recorded in MySQL; the stores decide without that."""

from datetime import datetime

from django.db import transaction

from coupons.audit import log
from coupons.campaigns import deciding_clock, voided_requests
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.campaigns.lifecycle import CLOCK, LIVE, State
from coupons.database import availability
from coupons.models import Campaign, EventKind
from coupons.observability.metrics import Work
from coupons.webhooks import campaign_events


def follow_the_clock() -> int:
    """Record in MySQL which campaigns have opened or closed by their window. Returns how many were
    due. The stores decide by the clock without this record. A campaign whose row is locked is
    skipped until the next sweep.

    Raises DatabaseAway, StoreAway; direct campaigns are recorded without Redis.
    """
    strategies = (Campaign.Strategy.DIRECT, Campaign.Strategy.QUEUED)
    return sum(_record_due(kind, deciding_clock.deciding_now(kind)) for kind in strategies)


def _record_due(strategy: str, now: datetime) -> int:
    campaigns = Campaign.objects.filter(strategy=strategy)
    opened = campaigns.filter(state=State.SCHEDULED, opens_at__lte=now, closes_at__gt=now)
    closed = campaigns.filter(state__in=LIVE, closes_at__lte=now)
    with availability.require_database():
        due = [(row, State.OPEN) for row in opened] + [(row, State.CLOSED) for row in closed]
    for campaign, state in due:
        with isolate_campaign(campaign.slug, Work.STATE), availability.require_database():
            _record_state(campaign, state)
    return len(due)


_RECORDED = {State.OPEN: EventKind.OPENED, State.CLOSED: EventKind.CLOSED}


def _record_state(campaign: Campaign, state: Campaign.State) -> None:
    """Set the state by compare-and-set, so that of two sweeps only one writes the event."""
    unchanged = Campaign.objects.filter(pk=campaign.pk, state=campaign.state)
    with transaction.atomic():
        if unchanged.select_for_update(skip_locked=True).exists() and unchanged.update(
            state=state, held=False
        ):
            log.record_event(campaign, CLOCK, _RECORDED[state])
            if state == State.CLOSED:
                voided_requests.void_closings(campaign)
            before, campaign.state = campaign.state, state
            campaign_events.tell_state(campaign, before)
