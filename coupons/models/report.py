"""The proof report of a closed campaign, as it was last computed."""

from django.db import models

from coupons.models.campaign import Campaign


class ProofReport(models.Model):
    """A campaign's report: asked for, being computed, or done. One at most; asking again computes
    it again.

    `done_places` of `places` are read. `figures`: the whole report as JSON; None: not computed yet.
    `error`: why the last try failed, a sentence. `busy_until`: a process computes it; if it dies,
    another one goes on from the beginning then."""

    campaign = models.OneToOneField(
        Campaign, models.PROTECT, primary_key=True, related_name="report"
    )
    asked_at = models.DateTimeField(null=True)  # None: nobody waits for it
    computed_at = models.DateTimeField(null=True)
    busy_until = models.DateTimeField(null=True)
    places = models.PositiveIntegerField(default=0)
    done_places = models.PositiveIntegerField(default=0)
    figures = models.JSONField(null=True)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.done_places} of {self.places} places"
