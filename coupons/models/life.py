"""The life of a coupon after its claim: its state, and every step that led there.

Separate from the coupon's row, so that storing a claim writes no column more. A coupon without a
`CouponLife` is issued (or expired, by the clock).
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coupons.claims.limits import MAX_REQUEST_BYTES
from coupons.models.bounds import AMOUNT_DIGITS
from coupons.models.campaign import Campaign
from coupons.models.coupon import Coupon
from coupons.models.currencies import MOST_DECIMALS
from coupons.models.fields import ExactField
from coupons.models.merchant import Merchant

MAX_ORDER_BYTES = 64
_AMOUNT: Any = {"max_digits": AMOUNT_DIGITS, "decimal_places": MOST_DECIMALS}


class CouponState(models.TextChoices):
    """As it is stored; what it reads as depends on the clock (`redemption.states`)."""

    ISSUED = "issued", _("issued")
    HELD = "held", _("held")
    REDEEMED = "redeemed", _("redeemed")
    REVOKED = "revoked", _("revoked")
    EXPIRED = "expired", _("expired")


class Verb(models.TextChoices):
    """A step of a coupon's life."""

    RESERVE = "reserve", _("reserved")
    RENEW = "renew", _("hold renewed")
    RELEASE = "release", _("released")
    REDEEM = "redeem", _("redeemed")
    CANCEL = "cancel", _("redemption cancelled")
    REVOKE = "revoke", _("revoked")
    UNDO_REVOKE = "undo_revoke", _("revocation undone")
    EXPIRE = "expire", _("expired")
    EXTEND = "extend", _("extended")
    GIVE_BACK = "give_back", _("given back")


class ActorKind(models.TextChoices):
    KEY = "key", _("merchant's key")
    OPERATOR = "operator", _("operator")
    USER = "user", _("user")
    CLOCK = "clock", _("clock")


class CouponLife(models.Model):
    """The current state of a coupon that has had at least one step. `version` counts its steps:
    a step is written only over the version that it was decided for."""

    coupon = models.OneToOneField(
        Coupon, models.PROTECT, primary_key=True, db_column="slot_id", related_name="life"
    )
    # The coupon's own, so that lists by state need no join over millions of coupons.
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    state = models.CharField(_("state"), max_length=8, choices=CouponState)
    version = models.PositiveIntegerField(_("version"))
    changed_at = models.DateTimeField(_("changed at"))
    # A hold: reserved for an order until a moment; since when, also over renewals and replacements.
    hold_id = models.UUIDField(_("reservation"), null=True)
    hold_since = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(_("held until"), null=True)
    end_override = models.DateTimeField(_("extended until"), null=True)
    # The order that holds or has redeemed the coupon, and what was agreed with it.
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="+"
    )
    order_ref = ExactField(_("order"), max_length=MAX_ORDER_BYTES, null=True)
    subtotal = models.DecimalField(_("subtotal"), null=True, **_AMOUNT)
    discount = models.DecimalField(_("discount"), null=True, **_AMOUNT)
    redemption = models.UUIDField(_("redemption"), null=True)
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True)
    # Its unit of stock is among those returned (`Returned`): given back at most once.
    is_returned = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("coupon's life")
        verbose_name_plural = _("coupons' lives")
        indexes: ClassVar = [
            models.Index(fields=["campaign", "state", "coupon"], name="life_by_state"),
            models.Index(fields=["hold_until"], name="life_by_hold"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant", "order_ref", "coupon"], name="life_one_per_order"
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="held", hold_id__isnull=False, hold_until__isnull=False)
                    | (~Q(state="held") & Q(hold_id__isnull=True))
                ),
                name="life_held_has_a_hold",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="redeemed", redemption__isnull=False, order_ref__isnull=False)
                    | (~Q(state="redeemed") & Q(redemption__isnull=True))
                ),
                name="life_redeemed_has_a_redemption",
            ),
            models.CheckConstraint(
                condition=Q(discount__isnull=True)
                | Q(discount__gte=0, discount__lte=F("subtotal")),
                name="life_discount_within_subtotal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id}: {self.state}"


class CouponEvent(models.Model):
    """One step of a coupon's life. Only ever added to; the database refuses a second event of one
    version."""

    pk = models.CompositePrimaryKey("coupon", "version")
    coupon = models.ForeignKey(
        Coupon, models.PROTECT, db_column="slot_id", db_index=False, related_name="events"
    )
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    verb = models.CharField(max_length=12, choices=Verb)
    before = models.CharField(max_length=8, choices=CouponState)
    after = models.CharField(max_length=8, choices=CouponState)
    actor_kind = models.CharField(max_length=8, choices=ActorKind)
    actor = models.CharField(max_length=150)  # a key's prefix, an operator's or a user's name
    # The reservation or the redemption that this step made or ended.
    reference = models.UUIDField(null=True, db_index=True)
    order_ref = ExactField(max_length=MAX_ORDER_BYTES, null=True)
    subtotal = models.DecimalField(null=True, **_AMOUNT)
    discount = models.DecimalField(null=True, **_AMOUNT)
    reason = models.CharField(max_length=500, blank=True)
    request_id = ExactField(max_length=MAX_REQUEST_BYTES, null=True)
    address = ExactField(max_length=64, null=True)  # IP address of who asked
    # More about the step: the discount by line, the cause of a cancellation, a new end.
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["coupon", "version"]
        # For the audit log, which reads these rows as its own.
        indexes: ClassVar = [
            models.Index(fields=["at"], name="event_by_time"),
            models.Index(fields=["actor", "at"], name="event_by_actor"),
            models.Index(fields=["request_id"], name="event_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id}/{self.version}: {self.verb}"


class Returned(models.Model):
    """Units of a campaign's stock that came back, and those given on to others.

    Always `given_on ≤ returned`; coupons that may be used are at most `promised`: the stock without
    the units given on."""

    campaign = models.OneToOneField(
        Campaign, models.CASCADE, primary_key=True, db_constraint=False, related_name="returned"
    )
    returned = models.PositiveIntegerField(default=0)
    given_on = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(given_on__lte=F("returned")), name="returned_covers_given_on"
            )
        ]

    def __str__(self) -> str:
        return f"{self.returned} returned, {self.given_on} given on"


class ExpiryCursor(models.Model):
    """How far the sweep has recorded the expiry of a campaign's coupons: up to this place. The end
    of coupons grows with their place."""

    campaign = models.OneToOneField(
        Campaign, models.CASCADE, primary_key=True, db_constraint=False, related_name="+"
    )
    place = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.place}"
