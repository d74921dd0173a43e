"""Slots: the database's own copy of a stock, one row for every place that may be issued.

They stand without a gap from place 1. They are made and removed in batches, each a transaction of
its own under the campaign's row lock: drains, claims and other changes go on between two batches,
and what a killed process left undone is finished by making the change again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from coupons.claims.limits import slot_id
from coupons.database import availability
from coupons.models import Campaign, Coupon, Slot

BATCH = 5_000  # slots per transaction, which holds the row lock for 30 to 60 ms
COUNTED = 500_000  # slots that one statement counts: far below any time limit of a statement
Progress = Callable[[int, int], None]  # how many slots there are, how many there shall be


def no_progress(now: int, wanted: int) -> None:
    """Nobody waits for a word."""


def slots_of(campaign: Campaign) -> QuerySet[Slot]:
    return Slot.objects.filter(id__gt=slot_id(campaign.pk, 0), id__lt=slot_id(campaign.pk + 1, 0))


def highest_slot(campaign: Campaign) -> int:
    """The place of the last slot; 0: there is none."""
    last = slots_of(campaign).aggregate(last=Max("id"))["last"]
    return 0 if last is None else last - slot_id(campaign.pk, 0)


def highest_coupon(campaign: Campaign) -> int:
    """The highest place that a coupon stands on; 0: there is none."""
    return Coupon.objects.filter(campaign=campaign).aggregate(last=Max("place"))["last"] or 0


def count_slots(campaign: Campaign) -> int:
    firsts = range(
        slot_id(campaign.pk, 1), slot_id(campaign.pk, highest_slot(campaign)) + 1, COUNTED
    )
    return sum(Slot.objects.filter(id__gte=id, id__lt=id + COUNTED).count() for id in firsts)


def is_issuable(campaign_id: int, place: int) -> bool:
    """Whether a coupon may stand on this place: it has a slot, which is not being removed."""
    keep = Campaign.objects.values_list("slots_to_keep", flat=True).get(pk=campaign_id)
    has_slot = Slot.objects.filter(id=slot_id(campaign_id, place)).exists()
    return has_slot and (keep is None or place <= keep)


def demand_stock(stock: int) -> None:
    """Raises ValidationError, with the field's name, for a stock that no campaign may have."""
    try:
        Campaign._meta.get_field("stock").clean(stock, None)
    except ValidationError as wrong:
        raise ValidationError({"stock": wrong.messages}) from None


def make_slots(slug: str, upto: int, *, tell: Progress = no_progress) -> None:
    """Make a slot for every place up to this one, and up to the campaign's stock.

    Does nothing to a campaign that is closed or unknown. Safe to repeat. Raises ValidationError for
    a stock that no campaign may have, DatabaseAway.
    """
    start = _first_gap(slug)
    while True:
        with _locked(slug) as campaign:
            if campaign is None or campaign.state == Campaign.State.CLOSED:
                return
            wanted = max(upto, campaign.stock)
            demand_stock(wanted)
            start = _make_some(campaign, start, wanted)
        tell(start - 1, wanted)
        if start > wanted:
            return


def remove_surplus_slots(slug: str, *, tell: Progress = no_progress) -> None:
    """Remove the slots above `slots_to_keep`, from the last one downwards; then forget the limit.

    Stops when another change raises the limit meanwhile. Safe to repeat. Raises DatabaseAway.
    """
    last = 0  # remembered: to search the last slot again is slow among rows just removed
    while True:
        with _locked(slug) as campaign:
            if campaign is None or campaign.slots_to_keep is None:
                return
            keep = max(campaign.slots_to_keep, highest_coupon(campaign))
            last = last if last > keep else highest_slot(campaign)
            if last <= keep:
                _set_limit(campaign, None)
                return
            last = remove_some(campaign, last, down_to=keep)
        tell(last, keep)


def remove_some(campaign: Campaign, last: int, *, down_to: int) -> int:
    """One batch, from place `last` downwards; the place of what is now the last slot. The caller
    holds the campaign's row lock."""
    left = max(down_to, last - BATCH)
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, [slot_id(campaign.pk, left), slot_id(campaign.pk, last)])
    return left


@contextmanager
def _locked(slug: str) -> Iterator[Campaign | None]:
    """One batch's transaction."""
    with availability.require_database(), transaction.atomic():
        yield Campaign.objects.select_for_update().filter(slug=slug).first()


def _first_gap(slug: str) -> int:
    """The first place without a slot, as far as it matters: from there on slots are made. Somebody
    may have removed some by hand, then all places are gone through."""
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
        if campaign is None:
            return 1
        last = highest_slot(campaign)
        return last + 1 if count_slots(campaign) == last else 1


def _make_some(campaign: Campaign, start: int, wanted: int) -> int:
    """One batch from place `start` upwards; the place to go on from."""
    if campaign.slots_to_keep is not None and campaign.slots_to_keep < wanted:
        _set_limit(campaign, wanted)  # another process, if it still removes some, stops
    before = slot_id(campaign.pk, start - 1)
    if start > 1 and not Slot.objects.filter(id=before).exists():
        return highest_slot(campaign) + 1  # it has removed some that we had counted
    upto = min(start + BATCH - 1, wanted)
    if start <= upto:
        with connection.cursor() as cursor:
            cursor.execute(_MAKE, [before + 1, slot_id(campaign.pk, upto)])
    return upto + 1


def _set_limit(campaign: Campaign, keep: int | None) -> None:
    campaign.slots_to_keep = keep
    campaign.save(update_fields=["slots_to_keep"])


_TABLE = Slot._meta.db_table
_DIGIT = "(SELECT 0 AS n" + "".join(f" UNION ALL SELECT {n}" for n in range(1, 10)) + ")"
# Whole numbers from the first on, ten thousand of them, in words that every database understands.
_MAKE = (
    f"INSERT INTO {_TABLE} (id) SELECT places.id FROM"  # noqa: S608 - a table's name, digits
    " (SELECT %s + ones.n + 10 * tens.n + 100 * hundreds.n + 1000 * thousands.n AS id"
    f" FROM {_DIGIT} ones CROSS JOIN {_DIGIT} tens CROSS JOIN {_DIGIT} hundreds"
    f" CROSS JOIN {_DIGIT} thousands) places WHERE places.id <= %s"
    f" AND NOT EXISTS (SELECT 1 FROM {_TABLE} known WHERE known.id = places.id)"
    " ORDER BY places.id"
)
_REMOVE = f"DELETE FROM {_TABLE} WHERE id > %s AND id <= %s"  # noqa: S608 - a table's name
