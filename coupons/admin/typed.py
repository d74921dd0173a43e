"""Django's base classes with type parameters, which exist for the type checker only."""

from typing import TYPE_CHECKING

from django.contrib.admin import ModelAdmin
from django.forms import ModelForm

from coupons.models import (
    ApprovalRequest,
    AuditEvent,
    Campaign,
    Coupon,
    Merchant,
    MerchantKey,
    WaitlistEntry,
    WebhookDelivery,
    WebhookEndpoint,
)

if TYPE_CHECKING:
    AuditBase = ModelAdmin[AuditEvent]
    CampaignBase = ModelAdmin[Campaign]
    CouponBase = ModelAdmin[Coupon]
    MerchantBase = ModelAdmin[Merchant]
    RequestBase = ModelAdmin[ApprovalRequest]
    KeyBase = ModelAdmin[MerchantKey]
    EndpointBase = ModelAdmin[WebhookEndpoint]
    DeliveryBase = ModelAdmin[WebhookDelivery]
    WaitlistBase = ModelAdmin[WaitlistEntry]
    CampaignFormBase = ModelForm[Campaign]
    KeyFormBase = ModelForm[MerchantKey]
else:
    CampaignBase = CouponBase = MerchantBase = KeyBase = EndpointBase = DeliveryBase = ModelAdmin
    AuditBase = WaitlistBase = RequestBase = ModelAdmin
    CampaignFormBase = KeyFormBase = ModelForm
