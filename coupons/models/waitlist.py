"""The users who wait for a coupon of a sold-out campaign, in the order in which they asked."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.claims.limits import MAX_USER_BYTES
from coupons.models.campaign import Campaign
from coupons.models.fields import ExactField


class WaitlistState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    OFFERED = "offered", _("offered")
    SERVED = "served", _("served")
    SKIPPED = "skipped", _("skipped")
    LEFT = "left", _("left")


class WaitlistEntry(models.Model):
    """A user who waits. Served strictly by `number`; every skip has its reason."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, db_index=False, related_name="waitlist")
    user = ExactField(_("user"), max_length=MAX_USER_BYTES)
    number = models.PositiveIntegerField(_("number"))
    asked_at = models.DateTimeField(_("asked at"))
    state = models.CharField(max_length=8, choices=WaitlistState, default=WaitlistState.WAITING)
    changed_at = models.DateTimeField(null=True)
    place = models.PositiveIntegerField(_("place"), null=True)  # that was granted
    offer_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("waitlist entry")
        verbose_name_plural = _("waitlist entries")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "user"], name="waitlist_one_per_user"),
            models.UniqueConstraint(fields=["campaign", "number"], name="waitlist_one_per_number"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["campaign", "state", "number"], name="waitlist_by_state")
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.number}: {self.state}"
