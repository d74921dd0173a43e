"""What operators did a moment ago and may undo, and what they ask a second person for."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models import rights
from coupons.models.campaign import Campaign

MAX_NAME, MAX_REASON = 150, 500


class UndoableVerb(models.TextChoices):
    """In brackets: the names in `data`."""

    PAUSE = "pause", _("pause")  # (state: before)
    STOCK = "stock", _("stock")  # (before, after, changes, last_ms)
    REVOKE = "revoke", _("revoke")  # (job, count: coupons)
    GRANTS = "grants", _("grants")  # (job, count: coupons)


class Undoable(models.Model):
    """A verb that can be undone for a short while. `at` is the database's clock; written in the
    transaction of the verb. `undone_at` is set once, by compare and set."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    verb = models.CharField(max_length=16, choices=UndoableVerb)
    actor = models.CharField(max_length=MAX_NAME)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=MAX_NAME, blank=True, default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["campaign", "at"], name="undoable_by_moment")]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.verb} by {self.actor}"


class RequestState(models.TextChoices):
    """As it is stored; an open one that has expired is told by the database's clock."""

    OPEN = "open", _("waits for a second person")
    APPROVED = "approved", _("approved")
    REFUSED = "refused", _("refused")
    VOID = "void", _("void")  # nobody can approve it any more; `decision` is a VoidReason


class VoidReason(models.TextChoices):
    CHANGED = "changed", _("the campaign has changed since")
    CLOSED = "closed", _("the campaign was closed since")


class ApprovalRequest(models.Model):
    """What can't be undone, asked for by one person and decided by another. `data`: what the verb
    needs; `forecast`: what it would have done when it was asked for; `seen`: a hash of the state
    that was asked about. Moments are the database's."""

    class Verb(models.TextChoices):
        CLOSE = "close", _("close for good")
        GIVE_UP = "give_up", _("give up parked claims")  # (entries)
        REVOKE = "revoke", _("revoke many coupons")  # (job)

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, verbose_name=_("campaign"), related_name="+"
    )
    verb = models.CharField(_("what"), max_length=16, choices=Verb)
    data = models.JSONField(default=dict)
    reason = models.CharField(_("reason"), max_length=MAX_REASON)
    forecast = models.JSONField(default=list)
    seen = models.CharField(max_length=64)
    asked_by = models.CharField(_("asked by"), max_length=MAX_NAME)
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("expires at"))
    state = models.CharField(
        _("state"), max_length=8, choices=RequestState, default=RequestState.OPEN
    )
    decided_by = models.CharField(_("decided by"), max_length=MAX_NAME, blank=True, default="")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decision = models.CharField(_("why"), max_length=MAX_REASON, blank=True, default="")

    class Meta:
        verbose_name = _("approval request")
        verbose_name_plural = _("approval requests")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = rights.OF_REQUEST
        indexes: ClassVar = [
            models.Index(fields=["state", "expires_at"], name="request_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.get_verb_display()}"
