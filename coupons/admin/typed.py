"""Django's base classes with type parameters, which exist for the type checker only."""

from typing import TYPE_CHECKING

from django.contrib.admin import ModelAdmin
from django.forms import ModelForm

from coupons.models import Campaign, Coupon

if TYPE_CHECKING:
    CampaignBase = ModelAdmin[Campaign]
    CouponBase = ModelAdmin[Coupon]
    CampaignFormBase = ModelForm[Campaign]
else:
    CampaignBase = CouponBase = ModelAdmin
    CampaignFormBase = ModelForm
