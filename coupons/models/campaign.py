"""A campaign's definition, which MySQL owns."""

from collections.abc import Sequence
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.claims.limits import MAX_PER_USER, MAX_STOCK, SLUG
from coupons.models import constraints, rights, rules
from coupons.models.bounds import (
    AMOUNT_DIGITS,
    CURRENCY,
    CURRENCY_FORM,
    MAX_FILTER_BLOCKS,
    MAX_OFFER_HOURS,
    MAX_REVIVED_DAYS,
    MAX_VALID_DAYS,
    PERCENT,
    known_currency,
    known_key,
    known_zone,
    on_the_calendar,
    one_line,
)
from coupons.models.currencies import MOST_DECIMALS
from coupons.models.merchant import Merchant


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
        PERCENT = PERCENT, _("percent")
        AMOUNT = "amount", _("fixed amount")

    class Rounding(models.IntegerChoices):
        ONE = 1, "1"
        TEN = 10, "10"
        HUNDRED = 100, "100"

    class ReturnsTo(models.TextChoices):
        BURN = "burn", _("gone for good")
        POOL = "pool", _("to the first who ask")
        WAITLIST = "waitlist", _("to the waitlist")

    slug = models.CharField(
        _("slug"),
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"^{SLUG.pattern}\Z", _("a-z, 0-9 and hyphens"))],
    )
    name = models.CharField(_("name"), max_length=200, validators=[one_line])
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
        validators=[one_line],
        help_text=_("Only users whose token lists this segment are eligible; empty: everyone."),
    )
    opens_at = models.DateTimeField(
        _("opens at"),
        help_text=_("To the millisecond, by the deciding store's clock."),
        validators=[on_the_calendar],
    )
    closes_at = models.DateTimeField(_("closes at"), validators=[on_the_calendar])
    announced_at = models.DateTimeField(
        _("announced at"),
        null=True,
        blank=True,
        help_text=_("Before then users' pages and API don't know it. Empty: as soon as scheduled."),
        validators=[on_the_calendar],
    )
    is_listed = models.BooleanField(
        _("in the public list"),
        default=True,
        db_default=True,
        help_text=_("Once it is announced. If not, only those find it who know its address."),
    )

    discount = models.CharField(
        _("kind of discount"), max_length=8, choices=Discount, default=Discount.PERCENT
    )
    discount_value = models.DecimalField(
        _("discount"), max_digits=AMOUNT_DIGITS, decimal_places=MOST_DECIMALS
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="KRW",
        validators=[RegexValidator(CURRENCY, CURRENCY_FORM), known_currency],
    )
    minimum_order = models.DecimalField(
        _("minimum order"), max_digits=AMOUNT_DIGITS, decimal_places=MOST_DECIMALS, default=0
    )
    discount_cap = models.DecimalField(
        _("largest discount"),
        max_digits=AMOUNT_DIGITS,
        decimal_places=MOST_DECIMALS,
        null=True,
        blank=True,
    )
    valid_until = models.DateTimeField(
        _("valid until"), null=True, blank=True, validators=[on_the_calendar]
    )
    valid_days = models.PositiveSmallIntegerField(
        _("valid for days"),
        null=True,
        blank=True,
        help_text=_("Days from issue; the alternative to a fixed end."),
        validators=[MinValueValidator(1), MaxValueValidator(MAX_VALID_DAYS)],
    )

    # What a shop's checkout goes by. Frozen when the campaign is scheduled.
    zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="Asia/Seoul",
        db_default="Asia/Seoul",
        help_text=_("Of ends that are given as a date: they end at 24:00 of that day there."),
        validators=[known_zone],
    )
    rounding = models.PositiveSmallIntegerField(
        _("rounding"),
        choices=Rounding,
        default=1,
        db_default=1,
        help_text=_("Discounts are rounded down to so many of the currency's smallest units."),
    )
    returns_to = models.CharField(
        _("stock that comes back"),
        max_length=8,
        choices=ReturnsTo,
        default="burn",
        db_default="burn",
    )
    expiry_returns = models.BooleanField(
        _("expired coupons return to stock"), default=False, db_default=False
    )
    revives_days = models.PositiveSmallIntegerField(
        _("days of a revived coupon"),
        default=3,
        db_default=3,
        help_text=_(
            "If the shop cancels an order after the coupon's end, it can be used again for so many "
            "days; 0: never."
        ),
        validators=[MaxValueValidator(MAX_REVIVED_DAYS)],
    )
    may_give_back = models.BooleanField(
        _("users may give coupons back"), default=False, db_default=False
    )
    waitlist_limit = models.PositiveIntegerField(
        _("longest waitlist"),
        default=0,
        db_default=0,
        help_text=_("0: no waitlist."),
        validators=[MaxValueValidator(MAX_STOCK)],
    )
    offer_hours = models.PositiveSmallIntegerField(
        _("hours to accept an offer"),
        default=0,
        db_default=0,
        help_text=_("0: the waitlist is served at once, without an acceptance; else 24 or more."),
        validators=[MaxValueValidator(MAX_OFFER_HOURS)],
    )
    merchant = models.ForeignKey(
        Merchant,
        models.PROTECT,
        verbose_name=_("merchant"),
        null=True,
        blank=True,
        related_name="campaigns",
    )

    key_id = models.CharField(max_length=32, editable=False, validators=[known_key])
    epoch = models.CharField(max_length=32, editable=False)
    filter_blocks = models.PositiveIntegerField(
        default=1,
        editable=False,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_FILTER_BLOCKS)],
    )
    # Units of `stock` that were raised for grants (`grants`), as MySQL knows. The gate may count
    # more of them for a moment: `update.count_granted`.
    granted = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Set while slots above a lowered stock are being removed: the highest place that is kept.
    # Nothing is stored above it.
    slots_to_keep = models.PositiveIntegerField(null=True, editable=False)
    # The opening is held back: paused by the guard, because a check of its board is red.
    held = models.BooleanField(default=False, db_default=False, editable=False)
    # An operator lets it open in spite of a red board, as it is planned now.
    overridden = models.BooleanField(default=False, db_default=False, editable=False)
    # When the last place of a stock open to everyone was given the first time, by the deciding
    # clock; and the stock that sold out last (`campaigns.sold_out`).
    sold_out_at = models.DateTimeField(_("sold out at"), null=True, editable=False)
    sold_out_stock = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = rights.OF_CAMPAIGN
        constraints: ClassVar = constraints.OF_CAMPAIGNS

    def __str__(self) -> str:
        return self.slug

    @property
    def has_unserved_waitlist(self) -> bool:
        """Users may join, and nothing is ever given to them: only stock that comes back is."""
        return self.waitlist_limit > 0 and self.returns_to != self.ReturnsTo.WAITLIST

    def unique_error_message(
        self, model_class: type[models.Model], unique_check: Sequence[str]
    ) -> ValidationError:
        if list(unique_check) == ["slug"]:
            return ValidationError(_("A campaign with this slug already exists."), code="unique")
        return super().unique_error_message(model_class, unique_check)

    def clean(self) -> None:
        """Raises ValidationError for an impossible definition, each message at its field."""
        errors: dict[str, list[str]] = {}
        for name, sentence in rules.definition_faults(vars(self)):
            errors.setdefault(name, []).append(sentence)
        if errors:
            raise ValidationError(errors)
