"""Rules across the fields of a definition, each of which is within its own bounds.

The admin's form, commands and fixtures all use them and show the same messages. A value that could
not be parsed (reported at its field already) is ignored here.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from coupons.claims import timestamps
from coupons.models.bounds import (
    EARLIEST,
    LATEST,
    MAX_PERCENT,
    MAX_VALID_DAYS,
    MORE_THAN_ANY_AMOUNT,
    PERCENT,
)
from coupons.models.currencies import DECIMALS, MOST_DECIMALS

Values = Mapping[str, Any]  # of the fields, by name
Fault = tuple[str, str]  # the field it is reported at, and the message

TOO_FAR = 10  # a fixed discount of more than 10 times the minimum order is a typing error
PERCENT_DECIMALS = 2
LEAST_OFFER_HOURS = 24
AMOUNTS = ("discount_value", "minimum_order", "discount_cap")


def definition_faults(values: Values) -> Iterator[Fault]:
    yield from _window_faults(values)
    yield from _validity_faults(values)
    yield from _discount_faults(values)
    yield from _minimum_and_cap_faults(values)
    yield from _offer_faults(values)
    for name in AMOUNTS:
        yield from _decimals_faults(values, name)


def _window_faults(values: Values) -> Iterator[Fault]:
    """To the millisecond, as Redis compares them."""
    opens, closes = given_moment(values, "opens_at"), given_moment(values, "closes_at")
    announced = given_moment(values, "announced_at")
    if opens and announced and announced > opens:
        yield "announced_at", _("A campaign must be announced before it opens.")
    if opens and closes and timestamps.milliseconds_of(opens) >= timestamps.milliseconds_of(closes):
        yield "closes_at", _("A campaign must close after it opens.")


def _validity_faults(values: Values) -> Iterator[Fault]:
    closes, until = given_moment(values, "closes_at"), given_moment(values, "valid_until")
    if closes and until and timestamps.milliseconds_of(until) <= timestamps.milliseconds_of(closes):
        yield (
            "valid_until",
            _("Coupons must be valid for longer than the campaign is open: choose a later end."),
        )
    days = values.get("valid_days")
    if not (closes and isinstance(days, int) and 0 < days <= MAX_VALID_DAYS):
        return
    if closes + timedelta(days=days) > LATEST:
        yield "valid_days", _("Coupons can't be valid beyond the year 2200.")


def _discount_faults(values: Values) -> Iterator[Fault]:
    value, minimum = given_amount(values, "discount_value"), given_amount(values, "minimum_order")
    if value is None:
        return
    if value <= 0:
        yield "discount_value", _("The discount must be more than nothing.")
    elif is_percent(values):
        if value > MAX_PERCENT:
            yield "discount_value", _("A discount can't be more than 100 percent.")
    elif minimum is not None and 0 < TOO_FAR * minimum < value:
        text = _(
            "A fixed discount can't be more than {times} times the minimum order: lower the "
            "discount or raise the minimum order."
        )
        yield "discount_value", text.format(times=TOO_FAR)


def _offer_faults(values: Values) -> Iterator[Fault]:
    """Less than a day would lapse in a user's night."""
    hours = values.get("offer_hours")
    if isinstance(hours, int) and 0 < hours < LEAST_OFFER_HOURS:
        text = _("Give {least} hours or more to accept an offer, or 0 for no acceptance.")
        yield "offer_hours", text.format(least=LEAST_OFFER_HOURS)


def _minimum_and_cap_faults(values: Values) -> Iterator[Fault]:
    minimum, cap = given_amount(values, "minimum_order"), given_amount(values, "discount_cap")
    if minimum is not None and minimum < 0:
        yield "minimum_order", _("The minimum order can't be negative.")
    if cap is None:
        return
    if cap <= 0:
        text = _("The largest discount must be more than nothing; leave it empty for no limit.")
        yield "discount_cap", text
    elif not is_percent(values):
        yield "discount_cap", _("A fixed amount has no largest discount: leave it empty.")


def _decimals_faults(values: Values, name: str) -> Iterator[Fault]:
    value, currency = given_amount(values, name), values.get("currency")
    used = 0 if value is None else decimals_of(value)
    if name == "discount_value" and is_percent(values):
        if used > PERCENT_DECIMALS:
            yield name, _("A percentage has at most 2 decimals.")
        return
    allowed = DECIMALS.get(str(currency), MOST_DECIMALS)
    if used > allowed == 0:
        yield name, _("Amounts in {currency} have no decimals.").format(currency=currency)
    elif used > allowed:
        text = _("Amounts in {currency} have at most {most} decimals.")
        yield name, text.format(currency=currency, most=allowed)


def is_percent(values: Values) -> bool:
    return values.get("discount") == PERCENT


def given_moment(values: Values, name: str) -> datetime | None:
    """The moment in this field; None: missing, naive, or out of bounds."""
    at = values.get(name)
    if not isinstance(at, datetime) or timezone.is_naive(at):
        return None
    return at if EARLIEST <= at <= LATEST else None


def given_amount(values: Values, name: str) -> Decimal | None:
    """The amount in this field; None: missing, or not a number that its column can store."""
    value = values.get(name)
    if isinstance(value, int):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    exponent = value.as_tuple().exponent
    too_fine = isinstance(exponent, int) and exponent < -MOST_DECIMALS
    return None if too_fine or abs(value) >= MORE_THAN_ANY_AMOUNT else value


def decimals_of(value: Decimal) -> int:
    """The number of decimals used; 0 for 1000.00."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
