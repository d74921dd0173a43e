"""Slots: the database's own copy of a stock, one row for every place that may be issued."""

from django.db import connection
from django.db.models import QuerySet

from coupons.models import Campaign, Slot, slot_id


def of(campaign: Campaign) -> QuerySet[Slot]:
    return Slot.objects.filter(id__gt=slot_id(campaign.pk, 0), id__lt=slot_id(campaign.pk + 1, 0))


def make(campaign: Campaign) -> None:
    """One row for every place up to the stock; those that are there already stay.

    Doubles what is there, statement by statement: a million slots take some seconds.
    """
    base = slot_id(campaign.pk, 0)
    count = of(campaign).count()
    if count == 0:
        Slot.objects.create(id=base + 1)
        count = 1
    while count < campaign.stock:
        more = min(count, campaign.stock - count)
        with connection.cursor() as cursor:
            cursor.execute(_DOUBLE_SLOTS, [count, base, base + more])
        count += more


_DOUBLE_SLOTS = (
    f"INSERT INTO {Slot._meta.db_table} (id)"  # noqa: S608 - a table's name, nothing from outside
    f" SELECT id + %s FROM {Slot._meta.db_table} WHERE id > %s AND id <= %s"
)
