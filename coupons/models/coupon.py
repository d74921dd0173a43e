"""Coupons, and the claims that an operator gave up."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coupons.claims.limits import MAX_REQUEST_BYTES, MAX_USER_BYTES, PLACES_PER_CAMPAIGN
from coupons.models import rights
from coupons.models.campaign import Campaign
from coupons.models.fields import ExactField
from coupons.models.stock import Slot


class Coupon(models.Model):
    slot = models.OneToOneField(Slot, models.PROTECT, primary_key=True, related_name="+")
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, verbose_name=_("campaign"), db_index=False, related_name="+"
    )
    place = models.PositiveIntegerField(_("place"))
    user = ExactField(_("user"), max_length=MAX_USER_BYTES)
    nth = models.PositiveSmallIntegerField(_("n-th of the user"))
    code = ExactField(_("code"), max_length=16)
    admitted_at = models.DateTimeField(_("admitted at"))
    stored_at = models.DateTimeField(_("stored at"))
    expires_at = models.DateTimeField(_("expires at"))
    request_id = ExactField(_("request"), max_length=MAX_REQUEST_BYTES, null=True)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        ordering: ClassVar = ["-slot"]
        permissions: ClassVar = rights.OF_COUPON
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "place"], name="coupon_one_per_place"),
            # The user first: the same index serves the query for a user's coupons.
            models.UniqueConstraint(
                fields=["user", "campaign", "nth"], name="coupon_one_per_user_and_nth"
            ),
            models.UniqueConstraint(fields=["code"], name="coupon_code_is_unique"),
            models.CheckConstraint(
                condition=Q(slot_id=F("campaign_id") * PLACES_PER_CAMPAIGN + F("place")),
                name="coupon_stands_on_its_own_slot",
            ),
            models.CheckConstraint(condition=Q(place__gte=1), name="coupon_place_from_one"),
            models.CheckConstraint(condition=Q(nth__gte=1), name="coupon_nth_from_one"),
        ]

    def __str__(self) -> str:
        """`slug/place`; with the campaign's id if its slug would need a query."""
        is_loaded = Coupon.campaign.is_cached(self)
        return f"{self.campaign.slug if is_loaded else self.campaign_id}/{self.place}"


class GivenUp(models.Model):
    """A parked claim that an operator gave up: no coupon, and its place stays taken."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="given_up")
    place = models.PositiveIntegerField(_("place"))
    user = ExactField(_("user"), max_length=MAX_USER_BYTES)
    nth = models.PositiveSmallIntegerField(_("n-th of the user"))
    admitted_ms = models.BigIntegerField()
    reason = models.CharField(_("reason"), max_length=32)  # why it was parked
    entry = models.CharField(_("entry"), max_length=48)  # its id in the parked stream
    why = models.CharField(_("why it was given up"), max_length=500)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "entry"], name="given_up_once"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.place}: {self.why}"
