"""Amounts with no more decimals than their currency has: 1,000 won, not 1,000.000."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from coupons.admin.typed import CampaignBase
from coupons.campaigns.terms_text import money_text
from coupons.models import Campaign

# Field → the method that shows it where it is read-only.
SHOWN_BY = {
    "discount_value": "shown_discount",
    "minimum_order": "shown_minimum",
    "discount_cap": "shown_cap",
}


def plain_digits(amount: Decimal) -> str:
    """All digits of the amount, without trailing zeros."""
    return format(amount.normalize(), "f")


class AmountField(forms.DecimalField):
    def prepare_value(self, value: Any) -> Any:
        return plain_digits(value) if isinstance(value, Decimal) else value


class ShownAmounts(CampaignBase):
    @admin.display(description=_("discount"))
    def shown_discount(self, campaign: Campaign) -> str:
        if campaign.discount == Campaign.Discount.PERCENT:
            return f"{plain_digits(campaign.discount_value)}%"
        return self._shown_amount(campaign.discount_value, campaign)

    @admin.display(description=_("minimum order"))
    def shown_minimum(self, campaign: Campaign) -> str:
        return self._shown_amount(campaign.minimum_order, campaign)

    @admin.display(description=_("largest discount"))
    def shown_cap(self, campaign: Campaign) -> str:
        return self._shown_amount(campaign.discount_cap, campaign)

    def _shown_amount(self, amount: Decimal | None, campaign: Campaign) -> str:
        if amount is None:
            return str(self.get_empty_value_display())
        return money_text(amount, campaign.currency)
