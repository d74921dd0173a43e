"""Dress rehearsals: what was tried with a shadow campaign, and the verdict."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.campaign import Campaign


class Rehearsal(models.Model):
    """A rehearsal of `campaign` with the campaign `shadow`, which is removed at the end.

    `running` is True until everything is removed, then None: the unique key lets one run at a time.
    Until `leased_until` (the database's clock) the process that runs it is alive: afterwards anyone
    may remove what it left. `figures`: what was measured, JSON values by name. `lines`: the
    verdict's reasons, with their texts by language. `site`: a digest of settings, hosts and
    release, to see later whether these are the same."""

    class State(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        ASKING = "asking", _("the crowd is asking")
        STORING = "storing", _("waiting until all is stored")
        REMOVING = "removing", _("removing everything")
        DONE = "done", _("done")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="rehearsals")
    shadow = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=12, choices=State, default=State.PREPARING)
    running = models.BooleanField(null=True, default=True, unique=True)
    is_stopped = models.BooleanField(default=False)  # an operator asks for its end
    people = models.PositiveIntegerField()
    per_second = models.PositiveIntegerField()
    options = models.JSONField(default=dict)
    actor = models.CharField(max_length=150)
    started_at = models.DateTimeField()
    leased_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    light = models.CharField(max_length=8, blank=True)  # empty: no verdict, it was interrupted
    lines = models.JSONField(default=list)
    figures = models.JSONField(default=dict)
    site = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("dress rehearsal")
        verbose_name_plural = _("dress rehearsals")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.campaign_id} as {self.shadow}: {self.light or self.state}"
