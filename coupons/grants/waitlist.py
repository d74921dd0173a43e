"""The waitlist as a user sees it: join, look, leave, accept an offer.

A queued campaign's list is in Redis (`waitlist.lua`), since thousands may ask at the moment of the
sell-out; `waitlist_storing` writes it to MySQL within a second. A direct campaign's is in MySQL
alone. A number is never changed, and a position never grows: it is the count of those who wait with
a lower number.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Max

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import queue_macs, timestamps
from coupons.claims.values import Outcome
from coupons.database import availability, clock
from coupons.errors import (
    CouponError,
    HasPlace,
    NoOffer,
    NotInstalled,
    NotSoldOut,
    NotWaiting,
    NoWaitlist,
    WaitlistFull,
)
from coupons.grants import waitlist_storing, waitlist_turns
from coupons.models import Campaign, Coupon, Returned, Tally, WaitlistEntry, WaitlistState
from coupons.store import store
from coupons.store.waitlist import Joined

ACTIVE = (WaitlistState.WAITING, WaitlistState.OFFERED)


@dataclass(frozen=True, slots=True)
class Standing:
    """A user's entry. `position`: 1 is served next; 0: not waiting any more."""

    entry: WaitlistEntry
    position: int


class NotNow(Exception):
    """Nobody can join: the campaign is closed or not open yet."""

    def __init__(self, outcome: Outcome, at_ms: int) -> None:
        super().__init__(outcome)
        self.outcome, self.at_ms = outcome, at_ms


def join_waitlist(campaign: CampaignSnapshot, user: str) -> tuple[Joined, bool]:
    """Put the user on the list. Returns number, moment and how many wait; and whether the user
    joined just now.

    Raises NoWaitlist, WaitlistFull, NotSoldOut, HasPlace, NotNow, NotInstalled, StoreAway,
    DatabaseAway. Asking again is safe.
    """
    if not campaign.waitlist_limit:
        raise NoWaitlist("This campaign has no waitlist.")
    is_direct = campaign.strategy == Campaign.Strategy.DIRECT
    joined = (_join_in_mysql if is_direct else _join_in_redis)(campaign, user)
    if joined.outcome in ("closed", "not_open"):
        raise NotNow(Outcome(joined.outcome), joined.at_ms)
    if joined.outcome in _ERRORS:
        kind, text = _ERRORS[joined.outcome]
        raise kind(text.format(campaign.slug))
    return joined, joined.outcome == "joined"


_IN_REPAIR = (NotInstalled, "The campaign {!r} is closed for repair. Please try again.")
_ERRORS: dict[str, tuple[type[CouponError], str]] = {
    "full": (WaitlistFull, "The waitlist of this campaign is full."),
    "not_sold_out": (NotSoldOut, "There are coupons left: claim one."),
    "has_place": (HasPlace, "You have a coupon of this campaign already."),
    "not_installed": _IN_REPAIR,
    "not_synced": _IN_REPAIR,
}


def _join_in_redis(campaign: CampaignSnapshot, user: str) -> Joined:
    for _try in range(3):
        joined = store().waitlist.join(
            campaign.slug,
            user=user,
            per_user=campaign.per_user,
            limit=campaign.waitlist_limit,
            mac=queue_macs.sign_waiter(campaign.key, user),
        )
        if joined.outcome == "not_synced":
            waitlist_storing.restore_waitlist(campaign.slug)
        elif joined.outcome != "waiting" or _still_waits(campaign, user, joined.number):
            return joined
        else:  # that entry was settled, and Redis not told because the process died
            store().waitlist.remove_waiters(campaign.slug, [(user, joined.number)])
    return joined


def _still_waits(campaign: CampaignSnapshot, user: str, number: int) -> bool:
    with availability.require_database():
        settled = WaitlistEntry.objects.filter(campaign_id=campaign.id, user=user, number=number)
        return not settled.exclude(state__in=ACTIVE).exists()


def _join_in_mysql(campaign: CampaignSnapshot, user: str) -> Joined:
    with availability.require_database(), transaction.atomic():
        tally = Tally.objects.select_for_update().annotate(now_ms=clock.NowMs())
        row = tally.select_related("campaign").get(campaign_id=campaign.id)
        entries = WaitlistEntry.objects.filter(campaign_id=campaign.id)
        waiting = entries.filter(state__in=ACTIVE).count()
        coupon = Coupon.objects.filter(user=user, campaign_id=campaign.id, nth=1).first()
        if coupon is not None:
            return Joined("has_place", coupon.place, row.now_ms, waiting)
        known = entries.filter(user=user).first()
        if known is not None and known.state in ACTIVE:
            asked_ms = timestamps.milliseconds_of(known.asked_at)
            return Joined("waiting", known.number, asked_ms, waiting)
        refusal = _refusal(row, waiting, campaign.waitlist_limit)
        if refusal:
            return Joined(refusal, 0, row.now_ms, waiting)
        number = (entries.aggregate(last=Max("number"))["last"] or 0) + 1
        waitlist_storing.write_entry(campaign.id, user, number, row.now_ms, known)
        return Joined("joined", number, row.now_ms, waiting + 1)


def _refusal(tally: Tally, waiting: int, limit: int) -> str:
    campaign, now_ms = tally.campaign, tally.now_ms  # type: ignore[attr-defined]
    if now_ms >= timestamps.milliseconds_of(campaign.closes_at):
        return "closed"
    if now_ms < timestamps.milliseconds_of(campaign.opens_at):
        return "not_open"
    if tally.stored < campaign.stock:
        return "not_sold_out"
    return "full" if waiting >= limit else ""


def find_standing(campaign: CampaignSnapshot, user: str) -> Standing:
    """The user's entry and position. Raises NotWaiting, DatabaseAway, StoreAway."""
    with availability.require_database():
        return _standing(_entry_of(campaign, user))


def _entry_of(campaign: CampaignSnapshot, user: str) -> WaitlistEntry:
    """Stores those who joined first, if Redis knows of a newer entry than MySQL."""
    rows = WaitlistEntry.objects.filter(campaign_id=campaign.id, user=user)
    entry = rows.first()
    if campaign.strategy == Campaign.Strategy.QUEUED and (
        entry is None or entry.state not in ACTIVE
    ):
        number = store().waitlist.number_of(campaign.slug, user)
        if number is not None and (entry is None or number > entry.number):
            waitlist_storing.store_joined(campaign.slug)
            entry = rows.first()
    if entry is None:
        raise NotWaiting("You are not on the waitlist of this campaign.")
    return entry


def _standing(entry: WaitlistEntry) -> Standing:
    if entry.state not in ACTIVE:
        return Standing(entry, 0)
    ahead = WaitlistEntry.objects.filter(
        campaign_id=entry.campaign_id, state__in=ACTIVE, number__lt=entry.number
    )
    return Standing(entry, ahead.count() + 1)


def leave_waitlist(campaign: CampaignSnapshot, user: str) -> None:
    """Leave; an open offer goes to the next. Left already: nothing. Raises NotWaiting, HasPlace
    (served already), DatabaseAway, StoreAway."""
    number = _entry_of(campaign, user).number
    with availability.require_database(), transaction.atomic():
        returned = Returned.objects.select_for_update().filter(campaign_id=campaign.id)
        list(returned)
        rows = WaitlistEntry.objects.select_for_update().annotate(now=clock.Now())
        entry = rows.get(campaign_id=campaign.id, user=user)
        if entry.state == WaitlistState.SERVED:
            raise HasPlace("You have a coupon of this campaign already.")
        if entry.state == WaitlistState.OFFERED:
            returned.update(given_on=F("given_on") - 1)
        if entry.state in ACTIVE:
            waitlist_turns.settle_entry(entry, WaitlistState.LEFT, entry.now)
    if campaign.strategy == Campaign.Strategy.QUEUED:
        store().waitlist.remove_waiters(campaign.slug, [(user, number)])


def accept_offer(campaign: CampaignSnapshot, user: str) -> Standing:
    """Take the coupon that is offered; accepted before: the same. Raises NotWaiting, NoOffer (none,
    or its time is over), and what `granting.grant_places` raises: then asking again goes on."""
    pk = _entry_of(campaign, user).pk
    with availability.require_database(), transaction.atomic():
        rows = WaitlistEntry.objects.select_for_update().annotate(now=clock.Now())
        entry = rows.get(pk=pk)
        is_open = entry.offer_until is not None and entry.now < entry.offer_until
        if entry.state == WaitlistState.OFFERED and is_open:
            waitlist_turns.settle_entry(entry, WaitlistState.SERVED, entry.now)
        if entry.state != WaitlistState.SERVED:
            raise NoOffer("There is no offer, or its time is over.")
    if entry.place is None:
        waitlist_turns.grant_served(campaign.slug)
        entry.refresh_from_db()
    return Standing(entry, 0)
