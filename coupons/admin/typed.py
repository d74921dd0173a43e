"""Django's base classes with type parameters, which exist for the type checker only."""

from typing import TYPE_CHECKING

from django.contrib.admin import ModelAdmin
from django.forms import ModelForm

from coupons.models import (
    Campaign,
    Coupon,
    Merchant,
    MerchantKey,
    WaitlistEntry,
    WebhookDelivery,
    WebhookEndpoint,
)

if TYPE_CHECKING:
    CampaignBase = ModelAdmin[Campaign]
    CouponBase = ModelAdmin[Coupon]
    MerchantBase = ModelAdmin[Merchant]
    KeyBase = ModelAdmin[MerchantKey]
    EndpointBase = ModelAdmin[WebhookEndpoint]
    DeliveryBase = ModelAdmin[WebhookDelivery]
    WaitlistBase = ModelAdmin[WaitlistEntry]
    CampaignFormBase = ModelForm[Campaign]
    KeyFormBase = ModelForm[MerchantKey]
else:
    CampaignBase = CouponBase = MerchantBase = KeyBase = EndpointBase = DeliveryBase = ModelAdmin
    WaitlistBase = ModelAdmin
    CampaignFormBase = KeyFormBase = ModelForm
