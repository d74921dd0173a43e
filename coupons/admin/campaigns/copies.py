"""A new draft with the terms of another campaign: the form of `add/?copy=ID` begins with them, but
for the window, which the operator chooses."""

from typing import Any

from django.http import HttpRequest

from coupons.admin.campaigns.amounts import plain_digits
from coupons.admin.campaigns.fieldsets import EVERYTHING
from coupons.models import Campaign

PARAMETER = "copy"
_CHOSEN_ANEW = {"slug", "opens_at", "closes_at", "announced_at", "valid_until"}
_LONGEST_ID = 18  # digits


def copied_campaign(request: HttpRequest) -> Campaign | None:
    """The campaign that the address names; None: none, or it is gone."""
    given = request.GET.get(PARAMETER, "")
    if not (given.isascii() and given.isdigit() and len(given) <= _LONGEST_ID):
        return None
    return Campaign.objects.filter(pk=int(given)).first()


def copied_values(campaign: Campaign) -> dict[str, Any]:
    """Initial values of the form's fields."""
    names = [name for name in EVERYTHING if name not in _CHOSEN_ANEW]
    values = {name: getattr(campaign, name) for name in names}
    for name in ("discount_value", "minimum_order", "discount_cap"):
        values[name] = None if values[name] is None else plain_digits(values[name])
    return values
