"""A campaign's definition as JSON: read strictly, shown with its zone, and its version.

An end (`closes_at`, `valid_until`) may be given as a date: then it ends at 24:00 of that day in the
campaign's zone, also where the clocks change on that day. Moments are always shown with the offset
that the zone has at that moment.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.core.exceptions import ValidationError

from coupons.claims.limits import MAX_PER_USER, MAX_STOCK
from coupons.claims.typed_fields import Amount, Fields, Flag, Moment, OneOf, Text, Whole
from coupons.errors import VersionChanged
from coupons.models import Campaign, Merchant
from coupons.models.bounds import (
    MAX_OFFER_HOURS,
    MAX_REVIVED_DAYS,
    MAX_VALID_DAYS,
    PERCENT,
    known_zone,
)
from coupons.models.currencies import DECIMALS

UNSET: Any = object()  # a field that was not given: it keeps its value
_NAME_BYTES, _ZONE_BYTES = 800, 64

DRAFT_FIELDS: Fields = {
    "slug": Text(most=64),
    "name": Text(most=_NAME_BYTES),
    "stock": Whole(low=1, high=MAX_STOCK),
    "opens_at": Moment(),
    "closes_at": Moment(or_date=True),
    "discount_value": Amount(),
    "strategy": OneOf(choices=tuple(Campaign.Strategy.values), optional=True, default=UNSET),
    "per_user": Whole(low=1, high=MAX_PER_USER, optional=True, default=UNSET),
    "audience": Text(low=0, most=256, optional=True, default=UNSET),
    "discount": OneOf(choices=tuple(Campaign.Discount.values), optional=True, default=UNSET),
    "currency": Text(most=3, optional=True, default=UNSET),
    "minimum_order": Amount(optional=True, default=UNSET),
    "discount_cap": Amount(optional=True, nullable=True, default=UNSET),
    "valid_until": Moment(or_date=True, optional=True, nullable=True, default=UNSET),
    "valid_days": Whole(
        low=1, high=MAX_VALID_DAYS, optional=True, nullable=True, default=UNSET
    ),
    "zone": Text(most=_ZONE_BYTES, optional=True, default=UNSET),
    "rounding": Whole(low=1, high=100, optional=True, default=UNSET),
    "returns_to": OneOf(choices=tuple(Campaign.ReturnsTo.values), optional=True, default=UNSET),
    "expiry_returns": Flag(optional=True, default=UNSET),
    "revives_days": Whole(low=0, high=MAX_REVIVED_DAYS, optional=True, default=UNSET),
    "may_give_back": Flag(optional=True, default=UNSET),
    "waitlist_limit": Whole(low=0, high=MAX_STOCK, optional=True, default=UNSET),
    "offer_hours": Whole(low=0, high=MAX_OFFER_HOURS, optional=True, default=UNSET),
    "announced_at": Moment(optional=True, nullable=True, default=UNSET),
    "is_listed": Flag(optional=True, default=UNSET),
}  # fmt: skip
_OPTIONAL = {
    name: replace(kind, optional=True, default=UNSET) for name, kind in DRAFT_FIELDS.items()
}
CHANGE_FIELDS: Fields = {name: kind for name, kind in _OPTIONAL.items() if name != "slug"}
CLONE_FIELDS: Fields = _OPTIONAL | {
    name: DRAFT_FIELDS[name] for name in ("slug", "opens_at", "closes_at")
}
WINDOW = ("opens_at", "closes_at")
_ENDS, _AMOUNTS = ("closes_at", "valid_until"), ("discount_value", "minimum_order", "discount_cap")
_MOMENTS = ("opens_at", "announced_at", *_ENDS)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a change is made. `version`: what `definition_version` must be; empty: any.
    `is_rehearsal`: everything is checked, and nothing is written."""

    version: str = ""
    is_rehearsal: bool = False


ANY = Conditions()


def demand_version(campaign: Campaign, conditions: Conditions) -> None:
    """The caller holds the row lock. Raises VersionChanged."""
    if conditions.version and conditions.version != definition_version(campaign):
        raise VersionChanged("The campaign was changed since you read it. Read it again.")


def apply_values(campaign: Campaign, values: dict[str, Any]) -> None:
    """Set fields that `DRAFT_FIELDS` or one of the others has read. Raises ValidationError for an
    unknown zone; everything else is checked when the campaign is saved."""
    given = {name: value for name, value in values.items() if value is not UNSET}
    zone = given.get("zone", campaign.zone)
    try:
        known_zone(zone)
    except ValidationError as error:
        raise ValidationError({"zone": error.messages}) from None
    for name, value in given.items():
        setattr(campaign, name, _model_value(name, value, zone))


def end_of_day(day: date, zone: str) -> datetime:
    """24:00 of the day in the zone: the first moment of the next day there. Of the last days of the
    calendar, which no definition may have, it is one before."""
    day = min(day, date.max - timedelta(days=1))
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))


def copy_of(campaign: Campaign, values: dict[str, Any]) -> Campaign:
    """A new draft of the same merchant with the same definition, but for these values. Unless its
    announcement is given, it is as long before the opening as that of the campaign."""
    copied = {name: getattr(campaign, name) for name in DRAFT_FIELDS}
    clone = Campaign(**copied, merchant_id=campaign.merchant_id)
    apply_values(clone, values)
    if campaign.announced_at is not None and values.get("announced_at", UNSET) is UNSET:
        clone.announced_at = clone.opens_at - (campaign.opens_at - campaign.announced_at)
    return clone


def new_draft(values: dict[str, Any], *, merchant: Merchant | None) -> Campaign:
    """A draft that is not saved. Raises ValidationError (unknown zone)."""
    draft = Campaign(merchant=merchant)
    apply_values(draft, values)
    return draft


def describe_definition(campaign: Campaign) -> dict[str, Any]:
    """As JSON values, which `DRAFT_FIELDS` reads again."""
    return {name: _json_value(campaign, name) for name in DRAFT_FIELDS}


def definition_version(campaign: Campaign) -> str:
    """A hash of the definition: the same for the same definition, whatever its state."""
    canonical = orjson.dumps(describe_definition(campaign), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:32]


def _model_value(name: str, value: Any, zone: str) -> Any:
    if name in _AMOUNTS and value is not None:
        return Decimal(value)
    if name in _ENDS and isinstance(value, date) and not isinstance(value, datetime):
        return end_of_day(value, zone)
    return value


def _json_value(campaign: Campaign, name: str) -> Any:
    value = getattr(campaign, name)
    if value is None:
        return None
    if name in _MOMENTS:
        return value.astimezone(ZoneInfo(campaign.zone)).isoformat(timespec="milliseconds")
    if name in _AMOUNTS:
        return _amount_text(campaign, name, value)
    return value


def _amount_text(campaign: Campaign, name: str, value: Decimal | int) -> str:
    if name == "discount_value" and campaign.discount == PERCENT:
        return f"{Decimal(value).normalize():f}"
    return f"{Decimal(value):.{DECIMALS.get(campaign.currency, 2)}f}"
