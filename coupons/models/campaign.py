"""The definition of a campaign, which MySQL owns, and its history."""

import re
from datetime import datetime, timedelta
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
MAX_STOCK = 10_000_000
MAX_PER_USER = 100


class Campaign(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SCHEDULED = "scheduled", _("scheduled")
        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")

    class Strategy(models.TextChoices):
        QUEUED = "queued", _("queued: Redis decides, workers store")
        DIRECT = "direct", _("direct: one transaction per request")

    class Discount(models.TextChoices):
        PERCENT = "percent", _("percent")
        AMOUNT = "amount", _("fixed amount")

    slug = models.CharField(
        _("slug"),
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"^{SLUG.pattern}\Z", _("a-z, 0-9 and hyphens"))],
    )
    name = models.CharField(_("name"), max_length=200)
    strategy = models.CharField(
        _("strategy"), max_length=8, choices=Strategy, default=Strategy.QUEUED
    )
    state = models.CharField(
        _("state"), max_length=12, choices=State, default=State.DRAFT, editable=False
    )

    stock = models.PositiveIntegerField(
        _("stock"), validators=[MinValueValidator(1), MaxValueValidator(MAX_STOCK)]
    )
    per_user = models.PositiveSmallIntegerField(
        _("coupons per user"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PER_USER)],
    )
    audience = models.CharField(
        _("audience"),
        max_length=64,
        blank=True,
        help_text=_("Only users whose token lists this segment are eligible; empty: everyone."),
    )
    opens_at = models.DateTimeField(
        _("opens at"), help_text=_("To the millisecond, by the deciding store's clock.")
    )
    closes_at = models.DateTimeField(_("closes at"))

    discount = models.CharField(
        _("kind of discount"), max_length=8, choices=Discount, default=Discount.PERCENT
    )
    discount_value = models.DecimalField(_("discount"), max_digits=12, decimal_places=2)
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="KRW",
        validators=[
            RegexValidator(
                r"^[A-Z]{3}\Z", _("Give three capital letters, as ISO 4217 has them: KRW.")
            )
        ],
    )
    minimum_order = models.DecimalField(
        _("minimum order"), max_digits=12, decimal_places=2, default=0
    )
    discount_cap = models.DecimalField(
        _("largest discount"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    valid_days = models.PositiveSmallIntegerField(
        _("valid for days"),
        null=True,
        blank=True,
        help_text=_("Days from issue; the alternative to a fixed end."),
    )

    key_id = models.CharField(max_length=32, editable=False)
    epoch = models.CharField(max_length=32, editable=False)
    filter_blocks = models.PositiveIntegerField(default=1, editable=False)
    # While slots above a lowered stock are removed: how many stay. Nothing is stored on the others.
    slots_to_keep = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(stock__gte=1), name="campaign_has_stock"),
            models.CheckConstraint(condition=Q(per_user__gte=1), name="campaign_per_user_positive"),
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("closes_at")),
                name="campaign_opens_before_it_closes",
                violation_error_message=_("A campaign must close after it opens."),
            ),
            models.CheckConstraint(
                condition=Q(slots_to_keep__isnull=True) | Q(slots_to_keep__gte=F("stock")),
                name="campaign_keeps_the_slots_of_its_stock",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True, valid_days__isnull=False)
                | Q(valid_until__isnull=False, valid_days__isnull=True),
                name="campaign_validity_is_an_end_or_days",
                violation_error_message=_(
                    "Coupons are valid until a fixed end or for a number of days: give one of both."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Raises ValidationError for terms that no coupon can have."""
        amounts = [vars(self).get(name) for name in ("minimum_order", "discount_cap")]
        if any(amount is not None and amount < 0 for amount in amounts):
            raise ValidationError(
                _("The minimum order and the largest discount can't be negative.")
            )
        value = vars(self).get("discount_value")  # None where it was no number: told already
        if value is not None and value <= 0:
            raise ValidationError(_("The discount must be more than nothing."))
        if value is not None and value > 100 and self.discount == self.Discount.PERCENT:
            raise ValidationError(_("A discount can't be more than 100 percent."))

    def expiry(self, issued_at: datetime) -> datetime:
        """When a coupon issued at that moment stops being valid."""
        if self.valid_until is not None:
            return self.valid_until
        return issued_at + timedelta(days=self.valid_days or 0)


class CampaignEvent(models.Model):
    """Who did what to a campaign, and when. Only ever added to."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=32)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.verb}"
