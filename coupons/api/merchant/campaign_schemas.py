"""Serializers and examples for the OpenAPI description only, of merchants' campaigns."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from coupons.api.openapi import limit_parameter
from coupons.api.schemas import Body
from coupons.models import Campaign

IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag that you read; `*` for any version.",
)
DRY_RUN = OpenApiParameter(
    "dry_run", OpenApiTypes.INT, enum=[0, 1], description="1: answer, but write nothing."
)
MOST_PER_PAGE = 100
PAGE = (
    OpenApiParameter("after", str, description="The `next` of the page before."),
    limit_parameter(MOST_PER_PAGE, MOST_PER_PAGE),
)
CREATE = {
    "slug": "lunch-1",
    "name": "Lunch",
    "stock": 1000,
    "opens_at": "2026-12-01T12:00:00+09:00",
    "closes_at": "2026-12-06",
    "discount_value": "10",
    "minimum_order": "10000",
    "discount_cap": "5000",
    "valid_until": "2026-12-31",
}
CLONE = {
    "slug": "lunch-2",
    "opens_at": "2027-01-04T12:00:00+09:00",
    "closes_at": "2027-01-09",
    "valid_until": "2027-01-31",
}
CAMPAIGN = {
    "slug": "lunch-1",
    "name": "Lunch",
    "stock": 1000,
    "opens_at": "2026-12-01T12:00:00.000+09:00",
    "closes_at": "2026-12-07T00:00:00.000+09:00",
    "discount_value": "10",
    "strategy": "queued",
    "per_user": 1,
    "audience": "",
    "discount": "percent",
    "currency": "KRW",
    "minimum_order": "10000",
    "discount_cap": "5000",
    "valid_until": "2027-01-01T00:00:00.000+09:00",
    "valid_days": None,
    "zone": "Asia/Seoul",
    "rounding": 1,
    "returns_to": "burn",
    "expiry_returns": False,
    "revives_days": 3,
    "may_give_back": False,
    "waitlist_limit": 0,
    "offer_hours": 0,
    "announced_at": "2026-11-30T09:00:00.000+09:00",
    "is_listed": True,
    "state": "draft",
    "is_held": False,
    "stored": 0,
    "sold_out_at": None,
    "created_at": "2026-11-29T03:00:00.000Z",
}


class MerchantCampaign(Body):
    slug = serializers.CharField()
    name = serializers.CharField()
    stock = serializers.IntegerField()
    opens_at = serializers.DateTimeField(help_text="Moments have the offset of the zone.")
    closes_at = serializers.DateTimeField()
    discount_value = serializers.CharField(help_text="Percent, or an amount of the currency.")
    strategy = serializers.ChoiceField(Campaign.Strategy.values)
    per_user = serializers.IntegerField()
    audience = serializers.CharField(allow_blank=True)
    discount = serializers.ChoiceField(Campaign.Discount.values)
    currency = serializers.CharField()
    minimum_order = serializers.CharField()
    discount_cap = serializers.CharField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    valid_days = serializers.IntegerField(allow_null=True)
    zone = serializers.CharField()
    rounding = serializers.IntegerField()
    returns_to = serializers.ChoiceField(Campaign.ReturnsTo.values)
    expiry_returns = serializers.BooleanField()
    revives_days = serializers.IntegerField()
    may_give_back = serializers.BooleanField()
    waitlist_limit = serializers.IntegerField()
    offer_hours = serializers.IntegerField()
    announced_at = serializers.DateTimeField(
        allow_null=True, help_text="Users see nothing of it before then; null: once scheduled."
    )
    is_listed = serializers.BooleanField(help_text="In the users' list of campaigns.")
    state = serializers.ChoiceField(Campaign.State.values)
    is_held = serializers.BooleanField(help_text="The opening is held back: its board is red.")
    stored = serializers.IntegerField(help_text="Coupons in the database.")
    sold_out_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the last place of the stock was given the first time, by the clock that "
        "decides; null: it was not. A stock that was raised may sell out again.",
    )
    created_at = serializers.DateTimeField()


class CampaignPage(Body):
    results = MerchantCampaign(many=True)
    next = serializers.CharField(allow_null=True)
