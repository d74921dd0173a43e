"""Stock that comes back: what happens to it, by the campaign's `returns_to`.

`burn`: nothing. `pool`: the stock is raised by it, for the first who claim. `waitlist`: it is given
to those who wait (`waitlist_turns`). The place of a returned coupon stays taken for ever.

MySQL counts the unit as given on before anybody can get it. If the process dies in between, too few
are given until the next round, never too many.
"""

import logging
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from coupons.audit import log
from coupons.campaigns import lifecycle, slots, update
from coupons.campaigns.fault_isolation import isolate_campaign, successful_answers
from coupons.database import availability
from coupons.grants import waitlist_turns
from coupons.models import (
    Campaign,
    CouponLife,
    EventKind,
    Returned,
    WaitlistEntry,
    WaitlistState,
)
from coupons.observability import grant_metrics, metrics
from coupons.observability.metrics import Work
from coupons.runtime import ProcessState
from coupons.store import Gate, store

ReturnsTo = Campaign.ReturnsTo
logger = logging.getLogger(__name__)


def give_on_returned(slug: str) -> int:
    """Give on what has returned and was not given on yet. Returns how many units.

    Safe to run many times at once. Raises NotInstalled, StoreAway, StoreError, DatabaseAway, and
    what `waitlist_turns.serve_waitlist` raises.
    """
    with availability.require_database():
        campaign = Campaign.objects.get(slug=slug)
    if campaign.returns_to == ReturnsTo.WAITLIST:
        return waitlist_turns.serve_waitlist(slug)
    return _give_to_pool(slug) if campaign.returns_to == ReturnsTo.POOL else 0


def _give_to_pool(slug: str) -> int:
    with availability.require_database(), transaction.atomic():
        rows = Returned.objects.select_for_update().filter(campaign__slug=slug)
        returned = rows.filter(returned__gt=F("given_on")).first()
        if returned is None:
            return 0
        campaign = Campaign.objects.select_for_update().get(slug=slug)
        if campaign.state not in lifecycle.LIVE:
            return 0
        update.settle_grants(campaign)
        count = min(returned.returned - returned.given_on, slots.BATCH)
        slots.make_slots_above(campaign, count)
        campaign.stock += count
        returned.given_on += count
        campaign.save(update_fields=["stock", "granted"])
        returned.save(update_fields=["given_on"])
        log.record_event(
            campaign, lifecycle.CLOCK, EventKind.GIVEN_ON, count=count, to=ReturnsTo.POOL.value
        )
    update.copy_definition(slug)  # after the commit: nobody gets a unit that is not counted
    return count


def give_on_everywhere() -> None:
    """One round of beat, over all public campaigns: repair what a dead process has left between the
    two stores, store the waitlists, give on what returned. A failure of one campaign does not stop
    the others. Raises StoreAway, DatabaseAway."""
    with availability.require_database():
        public = list(Campaign.objects.exclude(state=lifecycle.State.DRAFT))
        returned = {row.campaign_id: row for row in Returned.objects.all()}
    _copy_differing([row for row in public if row.strategy == Campaign.Strategy.QUEUED])
    for campaign in public:
        row = returned.get(campaign.pk)
        is_due = row is not None and row.returned > row.given_on
        if campaign.waitlist_limit or (is_due and campaign.returns_to != ReturnsTo.BURN):
            with isolate_campaign(campaign.slug, Work.RETURNS):
                give_on_returned(campaign.slug)


def watch_returned() -> None:
    """Check the returned stock of all campaigns that have any. What two checks in a row have found
    is reported: a single one may have looked between two steps. Raises StoreAway, DatabaseAway."""
    with availability.require_database():
        rows = Returned.objects.filter(returned__gt=0).select_related("campaign")
        slugs = [row.campaign.slug for row in rows]
    before, _last_faults.current = _last_faults.current, {}
    for slug in slugs:
        with isolate_campaign(slug, Work.RETURNS):
            faults = set(check_returned(slug).faults)
            _last_faults.current[slug] = faults
            again = faults & before.get(slug, set())
            label = metrics.campaign_label(slug)
            grant_metrics.RETURNED_FAULTS.labels(label).set(len(again))
            if again:
                logger.error("returned stock of %s: %s", slug, "; ".join(sorted(again)))


# What the last check of this process has found, by slug.
_last_faults: ProcessState[dict[str, set[str]]] = ProcessState(dict)


def _copy_differing(queued: list[Campaign]) -> None:
    """Copy the definition to Redis where the stock differs, as after a process that died between
    its commit and Redis, or the other way round."""
    gates = successful_answers(
        store().campaigns.gates([campaign.slug for campaign in queued]), Work.RETURNS
    )
    for campaign in queued:
        gate = gates.get(campaign.slug)
        if gate is not None and _differs(campaign, gate):
            with isolate_campaign(campaign.slug, Work.RETURNS):
                update.copy_definition(campaign.slug)


def _differs(campaign: Campaign, gate: Gate) -> bool:
    return gate.epoch == campaign.epoch and (
        (gate.stock, gate.granted) != (campaign.stock, campaign.granted)
    )


@dataclass(frozen=True, slots=True)
class ReturnedCheck:
    """`usable`: coupons and waiting claims that may be used. `counted`: coupons whose life says
    that their unit returned."""

    returned: int
    given_on: int
    promised: int
    usable: int
    counted: int
    underway: int  # units given on that nobody has a place for yet
    on_waitlist: int | None  # entries served or offered; None: it does not go to the waitlist

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words; empty: nothing."""
        checks = {
            "more was given on than returned": self.given_on > self.returned,
            "returned units are not those of returned coupons": self.counted != self.returned,
            "more coupons may be used than were promised": self.usable > self.promised,
            "units given on are not those that the waitlist got": (
                self.on_waitlist not in (None, self.given_on)
            ),
        }
        return [text for text, is_wrong in checks.items() if is_wrong]


def check_returned(slug: str) -> ReturnedCheck:
    """Count one campaign. Meaningful while nothing is returned or given on. Raises StoreAway,
    NotInstalled, DatabaseAway."""
    with availability.require_database():
        campaign = Campaign.objects.select_related("tally").get(slug=slug)
        row = Returned.objects.filter(campaign=campaign).first() or Returned(campaign=campaign)
        counted = CouponLife.objects.filter(campaign=campaign, is_returned=True).count()
        entries = WaitlistEntry.objects.filter(
            campaign=campaign, state__in=(WaitlistState.OFFERED, WaitlistState.SERVED)
        )
        on_waitlist, underway = entries.count(), entries.filter(place__isnull=True).count()
    is_queued = campaign.strategy == Campaign.Strategy.QUEUED
    places = store().campaigns.gate(slug).admitted if is_queued else campaign.tally.stored
    return ReturnedCheck(
        returned=row.returned,
        given_on=row.given_on,
        promised=campaign.stock - row.given_on + underway,
        usable=places - counted,
        counted=counted,
        underway=underway,
        on_waitlist=on_waitlist if campaign.returns_to == ReturnsTo.WAITLIST else None,
    )
