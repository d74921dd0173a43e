"""What the terms in the form come to, in one sentence: on the page, and as JSON while one types."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path

from coupons.admin.campaigns.field_errors import VALIDITY, validity_errors
from coupons.admin.campaigns.moments import MomentField
from coupons.admin.typed import CampaignBase
from coupons.campaigns.terms_text import terms_line
from coupons.models import Campaign, rules
from coupons.models.bounds import MAX_VALID_DAYS
from coupons.models.currencies import DECIMALS

FIELDS = ("discount", "currency", *rules.AMOUNTS, *VALIDITY)
_UNTIL = ("valid_until", "valid_until_shown", "valid_until_meant")  # inputs of one field
_MOST_CHARS = 64  # of a typed amount
_MOST_WHY = 120  # characters of a reason


class TermsPreview(CampaignBase):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_json)
        return [path("preview.json", view, name="coupons_campaign_preview"), *super().get_urls()]

    def preview_json(self, request: HttpRequest) -> JsonResponse:
        """Of the fields in the query, as typed. Asks no store."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        typed = request.GET.dict()
        until = [typed.get(name, "")[:_MOST_CHARS] for name in _UNTIL]
        return JsonResponse(preview_of(typed | {"valid_until": until}))


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
    values["valid_days"] = _days(values["valid_days"])
    values["valid_until"] = _moment(typed.get("valid_until"))
    is_complete = (
        values["discount"] in Campaign.Discount.values
        and values["currency"] in DECIMALS
        and rules.given_amount(values, "discount_value") is not None
        and rules.given_amount(values, "minimum_order") is not None
    )
    if not is_complete:
        why = _unreadable(typed)
        return {"text": why, "is_fault": bool(why)}
    fault = next(rules.definition_faults(values), None) or _both_validities(values)
    if fault is not None:
        return {"text": fault[1], "is_fault": True}
    values["discount_cap"] = rules.given_amount(values, "discount_cap")
    return {"text": terms_line(Campaign(**values)), "is_fault": False}


def _unreadable(typed: Mapping[str, Any]) -> str:
    """Why what is typed comes to no terms, as the form would say; empty: it is not filled in."""
    for name in ("discount_value", "currency"):
        field = Campaign._meta.get_field(name)
        text = str(typed.get(name) or "")[:_MOST_CHARS].strip()
        if not text:
            continue
        try:
            field.clean(text, None)  # type: ignore[union-attr]
        except ValidationError as fault:
            label = str(field.verbose_name)  # type: ignore[union-attr]
            return f"{label}: {fault.messages[0][:_MOST_WHY]}"
    return ""


def _both_validities(values: rules.Values) -> rules.Fault | None:
    """None as well while neither of both is given: the form is not filled in yet."""
    is_empty = all(values[name] is None for name in VALIDITY)
    return None if is_empty else next(iter(validity_errors(values).items()), None)


def _days(typed: str) -> int | None:
    """None: no number, or none that the field takes."""
    digits = typed[:_MOST_CHARS].strip()
    days = int(digits) if digits.isascii() and digits.isdigit() else 0
    return days if 1 <= days <= MAX_VALID_DAYS else None


def _moment(typed: Any) -> datetime | None:
    """None: no moment, or one of two."""
    try:
        at: datetime | None = MomentField(required=False).clean(typed)
    except ValidationError:
        return None
    return at


def _amount(typed: str) -> Decimal | None:
    """None: no number, or one so large or fine that it could not be computed with."""
    try:
        amount = Decimal(typed[:_MOST_CHARS].strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount.adjusted()) < _MOST_CHARS else None
