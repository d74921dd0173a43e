"""Serializers and examples for the OpenAPI description only, of webhooks."""

from rest_framework import serializers

from coupons.api.schemas import Body
from coupons.models import DeliveryState


class EndpointShown(Body):
    id = serializers.UUIDField()
    url = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(allow_blank=True)
    failures = serializers.IntegerField(help_text="Failed attempts in a row.")
    secret_number = serializers.IntegerField()
    old_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EndpointWithSecret(EndpointShown):
    secret = serializers.CharField(
        required=False, help_text="whsec_…, shown in this answer only; not of a dry run."
    )


class EndpointList(Body):
    results = EndpointShown(many=True)


class Delivery(Body):
    id = serializers.UUIDField(help_text="The `webhook-id` of every attempt.")
    type = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(DeliveryState.values)
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True)
    duration_ms = serializers.IntegerField(allow_null=True)


class DeliveryPage(Body):
    results = Delivery(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="`before` of the next page.")


class Replayed(Body):
    replayed = serializers.IntegerField()
    next_since = serializers.DateTimeField(
        allow_null=True, help_text="There is more: ask again from here."
    )


class TestSent(Body):
    id = serializers.UUIDField()
    type = serializers.CharField()


ID = "019ad0a1-0000-7000-8000-000000000002"
AT = "2026-12-01T03:00:00.000Z"
URL = "https://shop.example/webhooks/coupons"
NEW = {"url": URL, "types": ["coupon.*"]}
ENDPOINT = {
    "id": ID, "url": URL, "types": ["coupon.*"], "enabled": True, "disabled_at": None,
    "disabled_reason": "", "failures": 0, "secret_number": 1, "old_secret_until": None,
    "created_at": AT,
}  # fmt: skip
WITH_SECRET = {**ENDPOINT, "secret": "whsec_…"}
DELIVERY = {
    "id": ID, "type": "coupon.redeemed", "at": AT, "state": "delivered", "attempts": 1,
    "due_at": None, "last_at": AT, "last_status": 204, "last_error": "", "duration_ms": 41,
}  # fmt: skip
