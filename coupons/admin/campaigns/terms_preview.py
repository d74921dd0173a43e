"""What the terms in the form come to, in one sentence: on the page, and as JSON while one types."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path

from coupons.admin.typed import CampaignBase
from coupons.campaigns.snapshot import public_terms
from coupons.campaigns.terms_text import terms_line
from coupons.models import Campaign, rules
from coupons.models.currencies import DECIMALS

FIELDS = ("discount", "currency", *rules.AMOUNTS)
_MOST_CHARS = 64  # of a typed amount


class TermsPreview(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_json)
        return [path("preview.json", view, name="coupons_campaign_preview"), *super().get_urls()]

    def preview_json(self, request: HttpRequest) -> JsonResponse:
        """Of the fields in the query, as typed. Asks no store."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        return JsonResponse(preview_of(request.GET))


def form_preview(form: forms.BaseForm) -> dict[str, Any] | None:
    """Of the form's present values; None: its terms can't be changed."""
    if not set(FIELDS) <= form.fields.keys():
        return None
    return preview_of({name: form[name].value() for name in FIELDS})


def preview_of(typed: Mapping[str, Any]) -> dict[str, Any]:
    """`text`: the sentence, or what is wrong with the terms (`is_fault`); empty while they are not
    complete."""
    values: dict[str, Any] = {name: str(typed.get(name) or "") for name in FIELDS}
    values |= {name: _amount(values[name]) for name in rules.AMOUNTS}
    values["minimum_order"] = values["minimum_order"] or Decimal(0)
    is_complete = (
        values["discount"] in Campaign.Discount.values
        and values["currency"] in DECIMALS
        and rules.given_amount(values, "discount_value") is not None
        and rules.given_amount(values, "minimum_order") is not None
    )
    if not is_complete:
        return {"text": "", "is_fault": False}
    fault = next(rules.definition_faults(values), None)
    if fault is not None:
        return {"text": fault[1], "is_fault": True}
    values["discount_cap"] = rules.given_amount(values, "discount_cap")
    return {"text": terms_line(public_terms(Campaign(**values))), "is_fault": False}


def _amount(typed: str) -> Decimal | None:
    """None: no number, or one so large or fine that it could not be computed with."""
    try:
        amount = Decimal(typed[:_MOST_CHARS].strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount.adjusted()) < _MOST_CHARS else None
