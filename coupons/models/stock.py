"""The database's own copy of the stock, and how much of it is stored.

`Slot`: one row per place that may be issued. A coupon's primary key *is* its slot, so a place
beyond the stock has no row to stand on and a place can't be taken twice, whatever Redis or a writer
believes.
"""

from django.db import models

from coupons.models.campaign import Campaign


class Slot(models.Model):
    """A place that exists. `id` is `slot_id(campaign, place)`."""

    id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return str(self.id)


class Tally(models.Model):
    """How many coupons of a campaign are stored: counted in the storing transaction.

    A row of its own, because coupons refer to their campaign: two drains that insert (a shared
    lock on the campaign's row) and then count on that row would deadlock.
    """

    campaign = models.OneToOneField(
        Campaign, models.CASCADE, primary_key=True, db_constraint=False, related_name="tally"
    )
    stored = models.PositiveIntegerField(default=0)
    # The highest place that is known to have been given, also to claims that were never stored:
    # what a rebuild goes on above. Noted with each batch that is stored, and by reconcile.
    highest = models.PositiveIntegerField(default=0, db_default=0)
    # Places given that nobody holds, as reconcile last found them.
    holes = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.stored} stored"
