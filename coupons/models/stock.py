"""The stock as rows in the database, and the count of stored coupons.

`Slot`: one row per place that may be issued. A coupon's primary key *is* its slot, so a coupon
beyond the stock violates the foreign key and a place can't be taken twice, even if Redis or a
writer is wrong.
"""

from django.db import models

from coupons.models.campaign import Campaign


class Slot(models.Model):
    """A place that may be issued. `id` is `slot_id(campaign, place)`."""

    id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return str(self.id)


class Tally(models.Model):
    """The number of stored coupons of a campaign, updated in the storing transaction.

    A separate row, because coupons have a foreign key to their campaign: two drains that insert
    (which takes a shared lock on the campaign's row) and then count on that row would deadlock.
    """

    campaign = models.OneToOneField(
        Campaign, models.CASCADE, primary_key=True, db_constraint=False, related_name="tally"
    )
    stored = models.PositiveIntegerField(default=0)
    # The highest place known to have been given, including claims that were never stored: a rebuild
    # numbers above it. Updated with each stored batch, and by reconcile.
    highest = models.PositiveIntegerField(default=0, db_default=0)
    # Number of places given without a holder, as the last reconcile found.
    holes = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.stored} stored"
