"""Bulk work in the background: grants and revocations of many users, line by line."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.campaign import Campaign
from coupons.models.merchant import Merchant


class JobState(models.TextChoices):
    RECEIVING = "receiving", _("receiving")
    ASKED = "asked", _("waits for approval")
    READY = "ready", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    ABANDONED = "abandoned", _("abandoned")


class Job(models.Model):
    """A list of lines to work on. `next_line` is the first line without a verdict: after a crash,
    work goes on there."""

    class Kind(models.TextChoices):
        GRANTS = "grants", _("grants")
        REVOCATIONS = "revocations", _("revocations")

    id = models.UUIDField(primary_key=True)
    merchant = models.ForeignKey(Merchant, models.PROTECT, null=True, related_name="+")
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=12, choices=JobState, default=JobState.RECEIVING)
    actor_kind = models.CharField(max_length=8)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500, blank=True)
    options = models.JSONField(default=dict)
    lines = models.PositiveIntegerField(default=0)
    next_line = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # Until then the process that works on it is alive: it renews this with each batch.
    leased_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes: ClassVar = [models.Index(fields=["state", "created_at"], name="job_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class JobLine(models.Model):
    """One line of a job, with its verdict once it was worked on."""

    pk = models.CompositePrimaryKey("job", "line")
    job = models.ForeignKey(Job, models.CASCADE, db_index=False, related_name="+")
    line = models.PositiveIntegerField()  # from 1, as in the file: empty lines count
    data = models.JSONField()
    verdict = models.CharField(max_length=24, blank=True)
    detail = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["job", "verdict", "line"], name="line_by_verdict")
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.verdict}"
