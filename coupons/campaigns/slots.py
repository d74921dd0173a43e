"""Slots: the stock as rows in the database, one row for every place that may be issued.

They are contiguous from place 1. They are made and removed in batches, each in a transaction of its
own under the campaign's row lock: drains, claims and other changes can run between two batches, and
if the process is killed, making the change again finishes it.
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
COUNTED = 500_000  # slots counted by one statement: far below any statement time limit
Progress = Callable[[int, int], None]  # called with (slots now, slots wanted)


def no_progress(now: int, wanted: int) -> None:
    """Report no progress."""


def slots_of(campaign: Campaign) -> QuerySet[Slot]:
    return Slot.objects.filter(id__gt=slot_id(campaign.pk, 0), id__lt=slot_id(campaign.pk + 1, 0))


def highest_slot(campaign: Campaign) -> int:
    """The highest place with a slot; 0: none."""
    last = slots_of(campaign).aggregate(last=Max("id"))["last"]
    return 0 if last is None else last - slot_id(campaign.pk, 0)


def highest_coupon(campaign: Campaign) -> int:
    """The highest place with a coupon; 0: none."""
    return Coupon.objects.filter(campaign=campaign).aggregate(last=Max("place"))["last"] or 0


def count_slots(campaign: Campaign) -> int:
    firsts = range(
        slot_id(campaign.pk, 1), slot_id(campaign.pk, highest_slot(campaign)) + 1, COUNTED
    )
    return sum(Slot.objects.filter(id__gte=id, id__lt=id + COUNTED).count() for id in firsts)


def is_issuable(campaign_id: int, place: int) -> bool:
    """Whether a coupon may be stored on this place: its slot exists and is not being removed."""
    keep = Campaign.objects.values_list("slots_to_keep", flat=True).get(pk=campaign_id)
    has_slot = Slot.objects.filter(id=slot_id(campaign_id, place)).exists()
    return has_slot and (keep is None or place <= keep)


def demand_stock(stock: int) -> None:
    """Raises ValidationError, with the field's name, for a stock out of bounds."""
    try:
        Campaign._meta.get_field("stock").clean(stock, None)
    except ValidationError as error:
        raise ValidationError({"stock": error.messages}) from None


def make_slots(slug: str, upto: int, *, tell: Progress = no_progress) -> None:
    """Make slots for all places up to `upto` or the campaign's stock, whichever is higher.

    Does nothing for a closed or unknown campaign. Safe to repeat. Raises ValidationError for a
    stock out of bounds, DatabaseAway.
    """
    start = _first_gap(slug)
    while True:
        with _locked_campaign(slug) as campaign:
            if campaign is None or campaign.state == Campaign.State.CLOSED:
                return
            wanted = max(upto, campaign.stock)
            demand_stock(wanted)
            start = _make_batch(campaign, start, wanted)
        tell(start - 1, wanted)
        if start > wanted:
            return


def make_slots_above(campaign: Campaign, count: int) -> None:
    """Make the slots of the next `count` (at most BATCH) places above the stock, for grants, also
    of a closed campaign. The caller holds the row lock, and commits them before their places may be
    given. Raises ValidationError for a stock out of bounds."""
    wanted = campaign.stock + count
    demand_stock(wanted)
    _make_batch(campaign, highest_slot(campaign) + 1, wanted)


def has_slots(campaign: Campaign, upto: int) -> bool:
    """Whether coupons may be stored on all places up to this one."""
    keep = campaign.slots_to_keep
    return highest_slot(campaign) >= upto and (keep is None or keep >= upto)


def remove_surplus_slots(slug: str, *, tell: Progress = no_progress) -> None:
    """Remove the slots above `slots_to_keep`, from the highest downwards; then clear that limit.

    Stops if another change raises the limit meanwhile. Safe to repeat. Raises DatabaseAway.
    """
    last = 0  # kept between batches: searching the highest slot among rows just deleted is slow
    while True:
        with _locked_campaign(slug) as campaign:
            if campaign is None or campaign.slots_to_keep is None:
                return
            keep = max(campaign.slots_to_keep, highest_coupon(campaign))
            last = last if last > keep else highest_slot(campaign)
            if last <= keep:
                _set_limit(campaign, None)
                return
            last = remove_batch(campaign, last, down_to=keep)
        tell(last, keep)


def remove_batch(campaign: Campaign, last: int, *, down_to: int) -> int:
    """Remove one batch, from place `last` downwards, not below `down_to`. Returns the place of the
    highest slot left. The caller holds the campaign's row lock."""
    left = max(down_to, last - BATCH)
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, [slot_id(campaign.pk, left), slot_id(campaign.pk, last)])
    return left


@contextmanager
def _locked_campaign(slug: str) -> Iterator[Campaign | None]:
    """The transaction of one batch, with the campaign's row locked; None: no such campaign."""
    with availability.require_database(), transaction.atomic():
        yield Campaign.objects.select_for_update().filter(slug=slug).first()


def _first_gap(slug: str) -> int:
    """The place to start making slots from: the one after the highest slot, or 1 (all places are
    checked) if slots are missing in between, removed by hand."""
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
        if campaign is None:
            return 1
        last = highest_slot(campaign)
        return last + 1 if count_slots(campaign) == last else 1


def _make_batch(campaign: Campaign, start: int, wanted: int) -> int:
    """Make one batch from place `start` upwards. Returns the place to continue from."""
    if campaign.slots_to_keep is not None and campaign.slots_to_keep < wanted:
        _set_limit(campaign, wanted)  # stops another process that is removing slots
    previous = slot_id(campaign.pk, start - 1)
    if start > 1 and not Slot.objects.filter(id=previous).exists():
        return highest_slot(campaign) + 1  # that process has removed slots counted before
    upto = min(start + BATCH - 1, wanted)
    if start <= upto:
        with connection.cursor() as cursor:
            cursor.execute(_MAKE, [previous + 1, slot_id(campaign.pk, upto)])
    return upto + 1


def _set_limit(campaign: Campaign, keep: int | None) -> None:
    campaign.slots_to_keep = keep
    campaign.save(update_fields=["slots_to_keep"])


_TABLE = Slot._meta.db_table
_DIGIT = "(SELECT 0 AS n" + "".join(f" UNION ALL SELECT {n}" for n in range(1, 10)) + ")"
# Inserts ids from the first parameter up to the second, at most ten thousand, in portable SQL.
_MAKE = (
    f"INSERT INTO {_TABLE} (id) SELECT places.id FROM"  # noqa: S608 - a table's name, digits
    " (SELECT %s + ones.n + 10 * tens.n + 100 * hundreds.n + 1000 * thousands.n AS id"
    f" FROM {_DIGIT} ones CROSS JOIN {_DIGIT} tens CROSS JOIN {_DIGIT} hundreds"
    f" CROSS JOIN {_DIGIT} thousands) places WHERE places.id <= %s"
    f" AND NOT EXISTS (SELECT 1 FROM {_TABLE} known WHERE known.id = places.id)"
    " ORDER BY places.id"
)
_REMOVE = f"DELETE FROM {_TABLE} WHERE id > %s AND id <= %s"  # noqa: S608 - a table's name
