"""Webhooks: the outbox of events, the endpoints of merchants, and the deliveries."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models import rights
from coupons.models.campaign import Campaign
from coupons.models.merchant import Merchant


class WebhookCursor(models.Model):
    """What merchants were told of a campaign's coupons: those up to `place`, without `missing`,
    places that were not stored when the cursor passed them. `sold_out_stock`: the stock at which
    `campaign.sold_out` was told; 0: it was not. `blocked_since`: the next place is not stored."""

    campaign = models.OneToOneField(
        Campaign, models.CASCADE, primary_key=True, db_constraint=False, related_name="+"
    )
    place = models.PositiveIntegerField(default=0)
    missing = models.JSONField(default=list)
    told = models.PositiveIntegerField(default=0)  # coupons
    sold_out_stock = models.PositiveIntegerField(default=0)
    blocked_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.place}"


class OutboxMessage(models.Model):
    """An event to tell a merchant, written in the transaction that it tells of. `id` orders the
    events; `message_id` is the `webhook-id` of every delivery."""

    message_id = models.UUIDField(unique=True)
    merchant = models.ForeignKey(Merchant, models.CASCADE, db_index=False, related_name="+")
    type = models.CharField(max_length=64)
    at = models.DateTimeField()
    body = models.JSONField()
    is_routed = models.BooleanField(default=False)  # its deliveries exist

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["is_routed", "id"], name="outbox_by_routing"),
            models.Index(fields=["merchant", "at"], name="outbox_by_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"


class WebhookEndpoint(models.Model):
    """An address of a merchant to which events are sent. A disabled one goes on collecting."""

    id = models.UUIDField(primary_key=True)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="endpoints")
    url = models.CharField(_("address"), max_length=2000)
    types = models.JSONField(default=list)  # event types, `coupon.*`; empty: all
    # Its secret is not stored: it is derived from a key of COUPON_KEYS and this number. While it is
    # rolled, deliveries are signed with the one before, too.
    key_id = models.CharField(max_length=32, editable=False)
    secret_number = models.PositiveIntegerField(default=1, editable=False)
    old_secret_until = models.DateTimeField(null=True, editable=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False)
    # One delivery at a time: whoever sends holds the endpoint until then.
    busy_until = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)  # in a row
    paused_until = models.DateTimeField(null=True, editable=False)  # after a failure
    # The last attempt failed, or took long: it shares a few threads with others of its kind.
    is_suspect = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions: ClassVar = rights.OF_ENDPOINT
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")

    def __str__(self) -> str:
        return self.url


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed for good")


class WebhookDelivery(models.Model):
    """One event for one endpoint, and how its delivery goes."""

    message = models.ForeignKey(OutboxMessage, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(
        WebhookEndpoint, models.CASCADE, db_index=False, related_name="deliveries"
    )
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    answer = models.BinaryField(max_length=1024, null=True)  # its first bytes, never shown raw
    duration_ms = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "message"], name="delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "state", "due_at", "message"], name="delivery_by_due"),
            # For the operators' list, newest first: each ends with the primary key.
            models.Index(fields=["state"], name="delivery_by_state"),
            models.Index(fields=["endpoint", "state"], name="delivery_by_endpoint_and_state"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.endpoint_id}: {self.state}"
