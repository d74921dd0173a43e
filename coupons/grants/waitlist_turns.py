"""Give returned stock to the waitlist, strictly by number.

    1  units and entries, in MySQL         `given_on` + 1 and the entry `served` (or `offered`), in
                                           one transaction: the unit is spoken for
    2  a place for each served entry       a grant (`granting`), which raises the stock by one
    3  the place, in the entry             a served entry without a place begins again at 2

So a unit is never given on twice: whoever dies between two steps leaves served entries without a
place, and the next round goes on with them. A grant is idempotent by user.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from coupons.audit.actors import Actor
from coupons.campaigns.snapshot import snapshot_of
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.database import availability, clock
from coupons.grants import granting, waitlist_storing
from coupons.grants.verdicts import Granted, Verdict
from coupons.models import (
    ActorKind,
    Campaign,
    Coupon,
    Returned,
    WaitlistEntry,
    WaitlistState,
)
from coupons.observability import grant_metrics
from coupons.store import Grantee, claimant_field, store

CLOCK = Actor(ActorKind.CLOCK, "waitlist")
# Why an entry was skipped; shown to operators, translated by `admin`.
HAS_PLACE, OFFER_LAPSED, NO_TIME_LEFT = "has_place", "offer_lapsed", "no_time_left"


def serve_waitlist(slug: str) -> int:
    """Serve as many as units have returned. Returns how many users got a place or an offer.

    Safe to run many times at once. Raises what `granting.grant_places` and
    `waitlist_storing.store_joined` raise.
    """
    with availability.require_database():
        campaign = Campaign.objects.get(slug=slug)
    if campaign.strategy == Campaign.Strategy.QUEUED:
        waitlist_storing.store_joined(slug)  # or a lower number might still be on its way
    grant_served(slug)
    _lapse_offers(campaign)
    served = 0
    while batch := _speak_for_units(campaign):
        served += batch
        grant_metrics.WAITLIST_SERVED.inc(batch)
        if not campaign.offer_hours:
            grant_served(slug)
    return served


def _speak_for_units(campaign: Campaign) -> int:
    """Step 1, for one batch. Returns how many units are spoken for now."""
    if campaign.state in (Campaign.State.DRAFT, Campaign.State.PAUSED):
        return 0
    with availability.require_database(), transaction.atomic():
        rows = Returned.objects.select_for_update().annotate(now=clock.Now())
        returned = rows.filter(campaign_id=campaign.pk).first()
        due = min(returned.returned - returned.given_on, granting.MOST_AT_ONCE) if returned else 0
        if due <= 0 or returned is None:
            return 0
        entries = list(_waiting(campaign)[:due])
        if not _enough_time(campaign, returned.now):
            _skip(campaign, entries, NO_TIME_LEFT, returned.now)
            return 0
        holders = _holders(campaign, entries)
        _skip(campaign, [one for one in entries if one.user in holders], HAS_PLACE, returned.now)
        served = [entry for entry in entries if entry.user not in holders]
        for entry in served:
            _speak_for(campaign, entry, returned.now)
        returned.given_on += len(served)
        returned.save(update_fields=["given_on"])
    return len(served) or (_speak_for_units(campaign) if holders else 0)


def _waiting(campaign: Campaign) -> QuerySet[WaitlistEntry]:
    rows = WaitlistEntry.objects.select_for_update().filter(
        campaign=campaign, state=WaitlistState.WAITING
    )
    return rows.order_by("number")


def _speak_for(campaign: Campaign, entry: WaitlistEntry, now: datetime) -> None:
    if not campaign.offer_hours:
        settle_entry(entry, WaitlistState.SERVED, now)
        return
    entry.offer_until = now + timedelta(hours=campaign.offer_hours)
    settle_entry(entry, WaitlistState.OFFERED, now)


def settle_entry(entry: WaitlistEntry, state: str, now: datetime, reason: str = "") -> None:
    """Write a new state. In the caller's transaction, which has locked the entry."""
    entry.state, entry.changed_at, entry.reason = state, now, reason
    entry.save(update_fields=["state", "changed_at", "reason", "offer_until"])


def _skip(campaign: Campaign, entries: Sequence[WaitlistEntry], reason: str, now: datetime) -> None:
    for entry in entries:
        settle_entry(entry, WaitlistState.SKIPPED, now, reason)
    if entries and campaign.strategy == Campaign.Strategy.QUEUED:
        gone = [(entry.user, entry.number) for entry in entries]
        transaction.on_commit(lambda: store().waitlist.remove_waiters(campaign.slug, gone))


def _enough_time(campaign: Campaign, now: datetime) -> bool:
    """Whether a coupon granted now could be used for WAITLIST_LEAST_USE_S, after its offer."""
    needed = timedelta(hours=campaign.offer_hours, seconds=settings.WAITLIST_LEAST_USE_S)
    end = moment_of(snapshot_of(campaign).expires_ms(milliseconds_of(now)))
    return end - now >= needed if campaign.valid_until is not None else True


def _holders(campaign: Campaign, entries: Sequence[WaitlistEntry]) -> set[str]:
    """The users among them who hold a place: they claimed one since."""
    users = [entry.user for entry in entries]
    if campaign.strategy == Campaign.Strategy.DIRECT:
        rows = Coupon.objects.filter(campaign=campaign, user__in=users, nth=1)
        return set(rows.values_list("user", flat=True))
    fields = [claimant_field.encode_field(user, 1, campaign.per_user) for user in users]
    places = store().recovery.places_of(campaign.slug, fields)
    return {user for user, place in zip(users, places, strict=True) if place is not None}


def grant_served(slug: str) -> int:
    """Steps 2 and 3, for all served entries without a place. Returns how many have one now."""
    done = 0
    while True:
        with availability.require_database():
            rows = WaitlistEntry.objects.filter(
                campaign__slug=slug, state=WaitlistState.SERVED, place__isnull=True
            )
            entries = list(rows.order_by("number")[: granting.MOST_AT_ONCE])
        if not entries:
            return done
        grantees = [Grantee(entry.user, 1, f"waitlist-{entry.number}") for entry in entries]
        granted = granting.grant_places(slug, grantees, actor=CLOCK, record=False)
        placed = _write_places(slug, entries, granted)
        done += placed
        if placed < len(entries):  # the queue is full: the next round goes on
            return done


def _write_places(slug: str, entries: Sequence[WaitlistEntry], granted: Sequence[Granted]) -> int:
    with availability.require_database(), transaction.atomic():
        campaign = Campaign.objects.get(slug=slug)
        returned = Returned.objects.select_for_update().filter(campaign=campaign)
        list(returned)
        placed = 0
        for entry, one in zip(entries, granted, strict=True):
            rows = WaitlistEntry.objects.filter(pk=entry.pk, place=None, state=WaitlistState.SERVED)
            if one.place:
                placed += 1
                rows.update(place=one.place)
            elif one.verdict is Verdict.REFUSED and rows.update(
                state=WaitlistState.SKIPPED, reason=one.reason
            ):
                returned.update(given_on=F("given_on") - 1)
    if campaign.strategy == Campaign.Strategy.QUEUED:
        store().waitlist.remove_waiters(slug, [(entry.user, entry.number) for entry in entries])
    return placed


def _lapse_offers(campaign: Campaign) -> None:
    """Offers whose time is over go back to the returned stock."""
    with availability.require_database(), transaction.atomic():
        returned = Returned.objects.select_for_update().filter(campaign=campaign)
        row = returned.annotate(now=clock.Now()).first()
        if row is None:
            return
        lapsed = list(
            WaitlistEntry.objects.select_for_update().filter(
                campaign=campaign, state=WaitlistState.OFFERED, offer_until__lte=row.now
            )
        )
        _skip(campaign, lapsed, OFFER_LAPSED, row.now)
        if lapsed:
            returned.update(given_on=F("given_on") - len(lapsed))
