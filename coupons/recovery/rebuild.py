"""Rebuild: give Redis back what it must know of a campaign, and let it admit again.

    1  the gate is closed, in Redis        from here on nothing is admitted
    2  a new epoch, in MySQL               from here on no drain stores what it read before
    3  claimants, from all that is known   MySQL's coupons, the claims waiting, parked, given up
    4  the gate is opened, in Redis        one step: the new epoch, and numbers above the highest
    5  what was answered and lost, queued   and is in neither store: see `recovery.lost_admissions`

Dying after any of them leaves the campaign closed; begun again, it begins from the start. Of two at
once, only the one that began last opens. What waits in the queue stays there, and what is stored
stays the truth: a claimant that Redis knows differently is corrected.

An epoch is `birth.count`. The birth is the campaign's own, so that a gate which some other database
left under the same name is not taken for ours; the count goes up with each rebuild.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from coupons import timestamps
from coupons.audit import log
from coupons.broker import wakeups
from coupons.campaigns import lifecycle, update
from coupons.campaigns.signals import campaign_changed
from coupons.claims import holder_filter
from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.errors import ForeignKeys, Overtaken
from coupons.issuing import queue
from coupons.models import Campaign, Coupon, GivenUp, Tally
from coupons.recovery import lost_admissions
from coupons.store import ByCampaign, Claimant, Marks, claimant_field, store
from coupons.store.recovery import Closed

PAGE = 10_000  # rows at a time, whose claimants go in one command
Tell = Callable[[int], None]  # told how many claimants are written so far


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of a rebuild. Numbering goes on above `highest`."""

    slug: str
    epoch: str
    claimants: int
    waiting: int
    highest: int
    seconds: float


def rebuild_campaign(slug: str, *, actor: str, tell: Tell = lambda _: None) -> Rebuilt:
    """Write all that MySQL, the queue and the parked claims know into Redis, and open.

    Safe at any time, also twice, also while workers and web processes run; the campaign answers
    503 meanwhile. Raises UnknownCampaign, IllegalTransition, ForeignKeys, Overtaken, StoreAway,
    DatabaseAway.
    """
    return _rebuild(slug, actor, tell, whole=True)


def renew_campaign(slug: str, *, actor: str) -> Rebuilt:
    """The same for a Redis that may have lost its latest moments and nothing older, as after a
    failover: a prefix of the history. Only what came behind the gate's last place is written."""
    return _rebuild(slug, actor, lambda _: None, whole=False)


def closed_for_repair() -> list[str]:
    """Campaigns that Redis should hold under MySQL's epoch and does not, also where what it holds
    can't be read."""
    rows, marks = _marks()
    return [
        row.slug for row in rows if row.slug in marks.failed or marks[row.slug].epoch != row.epoch
    ]


def left_behind() -> list[str]:
    """Open under an epoch of ours that is over in MySQL: what they admit can't be stored."""
    return [
        row.slug
        for row, marks in _marked()
        if marks.epoch not in ("", row.epoch) and is_ours(row, marks)
    ]


def under_repair() -> dict[str, str]:
    """The epoch to come of each campaign that a machine's repair has closed and not opened yet. A
    whole rebuild (what Redis knows is in doubt) is a person's."""
    return {
        row.slug: marks.repair
        for row, marks in _marked()
        if marks.repair and not marks.epoch and not marks.doubt and is_ours(row, marks)
    }


def _marked() -> list[tuple[Campaign, Marks]]:
    """Of campaigns whose gate can be read: about the others reconcile's counts say so."""
    rows, marks = _marks()
    return [(row, marks[row.slug]) for row in rows if row.slug in marks]


def _marks() -> tuple[list[Campaign], ByCampaign[Marks]]:
    with availability.require_database():
        queued = Campaign.objects.filter(strategy=Campaign.Strategy.QUEUED)
        rows = list(queued.exclude(state=lifecycle.State.DRAFT))
    return rows, store().gate_marks([row.slug for row in rows])


def is_ours(campaign: Campaign, marks: Marks) -> bool:
    """Whether this gate was opened, or is being repaired, for this very campaign."""
    return _birth(campaign.epoch) in map(_birth, marks.epochs)


def _rebuild(slug: str, actor: str, tell: Tell, *, whole: bool) -> Rebuilt:
    began_s = time.monotonic()
    server = store().current_server().identity
    campaign, closed = _close(slug, in_doubt=whole)
    above = 0 if whole or not closed.whole else closed.given or 0
    highest, count = max(_highest_known(campaign), closed.given or 0), 0
    lost = [] if above else lost_admissions.find_lost(campaign)
    for page in _known(campaign, above, lost):
        store().write_claimants(
            slug, page.claimants, filter_blocks=campaign.filter_blocks, replace=page.stored
        )
        highest = max(highest, *(each.place for each in page.claimants))
        count += len(page.claimants)
        tell(count)
    if closed.given is None:
        highest = max(highest, _highest_claimant(campaign))
    given, waiting = _open(campaign, highest, server)
    waiting += lost_admissions.requeue_lost(campaign, lost)
    done = Rebuilt(slug, campaign.epoch, count, waiting, given, time.monotonic() - began_s)
    with availability.require_database():
        log.record_event(campaign, actor, "rebuilt" if whole else "checked", _told(done))
    if waiting:
        wakeups.notify_drain(slug)
    return done


# 1 and 2


def _close(slug: str, *, in_doubt: bool) -> tuple[Campaign, Closed]:
    """Under the campaign's row lock, which waits for batches that are just being stored and
    keeps out every other change."""
    with availability.require_database(), transaction.atomic():
        campaign = update.lock_campaign(slug)
        marks = store().gate_marks([slug]).result(slug)
        if marks.epochs and not is_ours(campaign, marks):
            raise ForeignKeys(_("Redis holds keys of another campaign called {!r}.").format(slug))
        campaign.epoch = next_epoch([campaign.epoch, *marks.epochs])
        closed = store().close_for_repair(
            slug,
            epoch=campaign.epoch,
            filter_bits=holder_filter.bit_count(campaign.filter_blocks),
            in_doubt=in_doubt,
        )
        campaign.save(update_fields=["epoch"])
    return campaign, closed


def _birth(epoch: str) -> str:
    return epoch.partition(".")[0]


def next_epoch(epochs: Iterable[str]) -> str:
    """An epoch that neither store has seen: Redis may be ahead of a restored MySQL."""
    ours, *_ = epochs = list(epochs)
    counts = [_count(epoch) for epoch in epochs if _birth(epoch) == _birth(ours)]
    return f"{_birth(ours)}.{max(counts) + 1}"


def _count(epoch: str) -> int:
    """0 also of what no rebuild wrote."""
    count = epoch.partition(".")[2]
    return int(count) if re.fullmatch("[0-9]{1,9}", count) else 0


# 3


@dataclass(frozen=True, slots=True)
class _Page:
    """Claimants from one source. What is `stored` corrects what Redis says, the others don't."""

    claimants: list[Claimant]
    stored: bool


def _known(campaign: Campaign, above: int, lost: list[AdmittedClaim]) -> Iterator[_Page]:
    """All claimants known, with a place higher than `above`. Coupons first: they are the truth."""
    yield from (_Page(page, stored=True) for page in _stored(campaign, above))
    if not above:
        yield from (_Page(page, stored=False) for page in _not_stored(campaign) if page)
    if lost:
        yield _Page([_claimant(campaign, each) for each in lost], stored=False)


def _stored(campaign: Campaign, above: int) -> Iterator[list[Claimant]]:
    end = slot_id(campaign.pk + 1, 0)
    last = slot_id(campaign.pk, above)
    while True:
        with availability.require_database():
            coupons = Coupon.objects.filter(slot_id__gt=last, slot_id__lt=end).order_by("slot_id")
            rows = list(coupons.values_list("user", "nth", "place", "admitted_at")[:PAGE])
        if not rows:
            return
        yield [
            _claimant(campaign, AdmittedClaim(user, nth, place, timestamps.milliseconds_of(at)))
            for user, nth, place, at in rows
        ]
        last = slot_id(campaign.pk, rows[-1][2])


def _not_stored(campaign: Campaign) -> Iterator[list[Claimant]]:
    """Told and not stored: waiting, parked, given up. Places that nobody can have been given
    (another hand wrote the entry) are left alone; the drain parks them."""
    for batch in chain(queue.waiting_batches(campaign.slug), queue.parked_batches(campaign.slug)):
        yield [
            _claimant(campaign, each)
            for each in batch.claims.values()
            if each.place <= campaign.stock
        ]
    with availability.require_database():
        given_up = GivenUp.objects.filter(campaign=campaign)
        rows = list(given_up.values_list("user", "nth", "place", "admitted_ms"))
    yield [_claimant(campaign, AdmittedClaim(*row)) for row in rows]


def _claimant(campaign: Campaign, claim: AdmittedClaim) -> Claimant:
    field = claimant_field.encode_field(claim.user, claim.nth, campaign.per_user)
    return Claimant(field, claim.place, claim.admitted_ms)


# 4


def _highest_known(campaign: Campaign) -> int:
    """The highest place that MySQL knows to have been given."""
    with availability.require_database():
        last = Coupon.objects.filter(campaign=campaign).aggregate(Max("place"))["place__max"]
        return max(last or 0, Tally.objects.get(campaign=campaign).highest)


def _highest_claimant(campaign: Campaign) -> int:
    """The same of what Redis still knows, where the gate itself is lost."""
    pages = store().claimants(campaign.slug)
    places = (each.place for page in pages for each in page if each.place <= campaign.stock)
    return max(places, default=0)


def _open(campaign: Campaign, highest: int, server: str) -> tuple[int, int]:
    with availability.require_database():
        raise_highest(campaign.pk, highest)
    opened, given, waiting = store().open_again(
        campaign.slug, update.redis_definition(campaign), given=highest, server=server
    )
    if not opened:
        raise Overtaken(_("Another repair of {!r} has begun meanwhile.").format(campaign.slug))
    campaign_changed.send(sender=None)
    return given, waiting


def raise_highest(campaign_id: int, place: int) -> None:
    """Remember in MySQL that this place was given. Never takes back a higher one."""
    tally = Tally.objects.filter(campaign_id=campaign_id, highest__lt=place)
    tally.update(highest=place)


def _told(done: Rebuilt) -> str:
    return f"{done.claimants} claimants; numbers go on above {done.highest}; epoch {done.epoch}"
