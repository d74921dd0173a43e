"""What MySQL owns: a campaign's definition, its slots, and the coupons. The last word is here.

`Slot` is the database's own copy of the stock: one row per place that may be issued. A coupon's
primary key *is* its slot, so a place beyond the stock has no row to stand on and a place can't be
taken twice, whatever Redis or a writer believes.
"""

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
PLACES_PER_CAMPAIGN = 2**32  # a slot's id is campaign * this + place
MAX_STOCK = 10_000_000
MAX_PER_USER = 100
MAX_USER_BYTES = 128
MAX_REQUEST_BYTES = 64  # as `coupons.trace` lets them be


def slot_id(campaign_id: int, place: int) -> int:
    return campaign_id * PLACES_PER_CAMPAIGN + place


class ExactField(models.CharField):  # type: ignore[type-arg] # not subscriptable at run time
    """Text compared byte by byte.

    Every utf8mb4 collation that MySQL and MariaDB share ignores trailing spaces or case, which
    would merge two users into one; VARBINARY merges nobody. `max_length` is in bytes.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return f"varbinary({self.max_length})"
        return super().db_type(connection)

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else value

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        if connection.vendor == "mysql" and isinstance(value, str):
            return value.encode()
        return value


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
        validators=[RegexValidator(r"^[A-Z]{3}\Z", _("ISO 4217"))],
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
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "place"], name="coupon_one_per_place"),
            # The user first: the same index answers "my coupons".
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
        """As operators call it; by the campaign's number where MySQL would have to be asked."""
        known = Coupon.campaign.is_cached(self)
        return f"{self.campaign.slug if known else self.campaign_id}/{self.place}"


class GivenUp(models.Model):
    """A parked claim that an operator gave up: no coupon, and its place stays taken."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="given_up")
    place = models.PositiveIntegerField(_("place"))
    user = ExactField(_("user"), max_length=MAX_USER_BYTES)
    nth = models.PositiveSmallIntegerField(_("n-th of the user"))
    admitted_ms = models.BigIntegerField()
    reason = models.CharField(_("reason"), max_length=32)  # why it was parked
    entry = models.CharField(_("entry"), max_length=48)  # its id among the parked
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
