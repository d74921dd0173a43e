"""Merchants that share a site, and the keys of their shops' backends."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey

from coupons.claims.limits import SLUG
from coupons.models import rights
from coupons.models.bounds import one_line
from coupons.models.fields import ExactField

MAX_KEY_BYTES = 64  # of an Idempotency-Key


class Merchant(models.Model):
    """A shop. It never sees the campaigns, coupons or users of another one."""

    slug = models.CharField(
        _("slug"),
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"^{SLUG.pattern}\Z", _("a-z, 0-9 and hyphens"))],
    )
    name = models.CharField(_("name"), max_length=200, validators=[one_line])
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Scope(models.TextChoices):
    """What a key may do."""

    READ = "read", _("quotes and look-ups")
    REDEEM = "redeem", _("reserve, redeem and cancel")
    REVOKE = "revoke", _("revoke")
    CAMPAIGNS = "campaigns", _("campaigns")
    GRANTS = "grants", _("grants and bulk revocations")
    EXPORT = "export", _("exports")
    SUPPORT = "support", _("a user's attempts")
    WEBHOOKS = "webhooks", _("webhooks")


class MerchantKey(AbstractAPIKey):
    """A key of a merchant's backend. Only a hash of it is stored; `prefix` names it in logs and
    events. While it is rolled, it and its successor are valid until its `expiry_date`."""

    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="keys")
    scopes = models.JSONField(default=list)  # values of Scope
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    replaced_by = models.ForeignKey("self", models.SET_NULL, null=True, editable=False)

    class Meta:
        permissions: ClassVar = rights.OF_KEY
        ordering: ClassVar = ["-created"]
        verbose_name = _("merchant's key")
        verbose_name_plural = _("merchants' keys")


class IdempotentCall(models.Model):
    """The first response to a request with an `Idempotency-Key`; kept for 24 hours.

    Inserted in the transaction of what the request does: a dead process leaves no row."""

    merchant = models.ForeignKey(Merchant, models.CASCADE, db_index=False, related_name="+")
    key = ExactField(max_length=MAX_KEY_BYTES)
    fingerprint = ExactField(max_length=64)  # SHA-256 of method, path and canonical body, in hex
    status = models.PositiveSmallIntegerField()
    answer = models.TextField()  # the body, byte for byte
    headers = models.JSONField(default=dict)  # of the answer, beside those of every answer
    at = models.DateTimeField(db_index=True)  # by the database's clock

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant", "key"], name="call_once_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.key}"
