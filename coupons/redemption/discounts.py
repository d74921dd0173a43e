"""What a coupon takes off an order: exact amounts, no I/O, no clock.

Amounts are Decimals in the currency's own unit ("12.50" dollars), with at most the digits that
ISO 4217 gives it (`models.currencies`). All arithmetic is done in whole smallest units (cents),
so nothing is ever rounded but the discount, which is rounded down.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from coupons.errors import BadInput
from coupons.models import Campaign
from coupons.models.bounds import MORE_THAN_ANY_AMOUNT
from coupons.models.currencies import DECIMALS

Reason = dict[str, str]

_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.([0-9]{1,3}))?", re.ASCII)
_AMOUNT_FORM = "must be an amount such as 12000 or “12.50”: digits, without sign or spaces"
_PERCENT_UNITS = 100 * 100  # a percentage has at most 2 decimals


@dataclass(frozen=True, slots=True)
class DiscountTerms:
    """What a campaign promises. `value`: percent, or an amount; `cap`: the largest discount;
    `rounding`: the discount is a multiple of so many smallest units of the currency."""

    is_percent: bool
    value: Decimal
    currency: str
    minimum_order: Decimal
    cap: Decimal | None
    rounding: int


def terms_of(campaign: Campaign) -> DiscountTerms:
    return DiscountTerms(
        is_percent=campaign.discount == Campaign.Discount.PERCENT,
        value=campaign.discount_value,
        currency=campaign.currency,
        minimum_order=campaign.minimum_order,
        cap=campaign.discount_cap,
        rounding=campaign.rounding,
    )


def parse_amount(value: object, currency: str, field: str) -> Decimal:
    """The amount in this member of a JSON document: a whole number, or text of digits.

    Raises BadInput for anything else, and for an unknown currency. A JSON number with a fraction
    is refused: 0.1 has no exact value in binary.
    """
    if isinstance(value, float):
        raise BadInput(field, "must be text if it has decimals: “12.50”, not 12.5")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadInput(field, _AMOUNT_FORM)
    if isinstance(value, int) and not 0 <= value < MORE_THAN_ANY_AMOUNT:
        raise BadInput(field, f"must be from 0 to less than {MORE_THAN_ANY_AMOUNT}")
    found = _AMOUNT.fullmatch(str(value))
    if found is None:
        raise BadInput(field, _AMOUNT_FORM)
    decimals = known_decimals(currency)
    if len(found[1] or "") > decimals:
        raise BadInput(field, f"may have {decimals} decimals at most in {currency}")
    return Decimal(found[0])


def known_decimals(currency: str) -> int:
    """How many decimals an amount of this currency has. Raises BadInput for an unknown one."""
    decimals = DECIMALS.get(currency)
    if decimals is None:
        raise BadInput("currency", "must be a currency of ISO 4217, such as KRW or USD")
    return decimals


def compute_discount(terms: DiscountTerms, subtotal: Decimal) -> Decimal:
    """The discount on an order of this subtotal, whether or not it reaches the minimum.

    Never more than the subtotal or the cap, and rounded down to the campaign's unit: an order
    smaller than one unit gets nothing.
    """
    whole = _units_of(subtotal, terms.currency)
    if terms.is_percent:
        raw = whole * int(terms.value * 100) // _PERCENT_UNITS
    else:
        raw = _units_of(terms.value, terms.currency)
    if terms.cap is not None:
        raw = min(raw, _units_of(terms.cap, terms.currency))
    discount = min(raw, whole)
    return _amount_of(discount - discount % terms.rounding, terms.currency)


def split_discount(discount: Decimal, lines: Sequence[Decimal], currency: str) -> list[Decimal]:
    """The discount of each line, in proportion to its amount; their sum is exactly the discount.

    By largest remainder, the earlier line first: no line gets more than its own amount. No lines:
    nothing to split. Raises ValueError if the lines amount to less than the discount.
    """
    amounts = [_units_of(line, currency) for line in lines]
    total, whole = _units_of(discount, currency), sum(amounts)
    if not amounts:
        return []
    if total > whole:
        raise ValueError(f"A discount of {discount} on lines of {sum(lines)}.")
    shares = [total * amount // whole if whole else 0 for amount in amounts]
    remainders = [total * amount % whole if whole else 0 for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda line: -remainders[line])
    for line in by_remainder[: total - sum(shares)]:
        shares[line] += 1
    return [_amount_of(share, currency) for share in shares]


def unmet_terms(terms: DiscountTerms, subtotal: Decimal, currency: str) -> list[Reason]:
    """Every reason why the coupon can't be used for such an order, with its numbers as text; empty
    if there is none. In another currency nothing else can be judged."""
    if currency != terms.currency:
        return [{"code": "currency_differs", "currency": terms.currency, "given": currency}]
    reasons = []
    if subtotal < terms.minimum_order:
        reasons.append(
            {
                "code": "below_minimum",
                "minimum": format_amount(terms.minimum_order, currency),
                "missing": format_amount(terms.minimum_order - subtotal, currency),
            }
        )
    if not compute_discount(terms, subtotal):
        unit = _amount_of(terms.rounding, currency)
        reasons.append({"code": "nothing_to_discount", "unit": format_amount(unit, currency)})
    return reasons


def format_amount(amount: Decimal, currency: str) -> str:
    """With all digits of the currency, and no more: "12000" won, "12.50" dollars."""
    return format(_amount_of(_units_of(amount, currency), currency), "f")


def _units_of(amount: Decimal, currency: str) -> int:
    """In the currency's smallest unit, rounded down: 1250 for "12.50" dollars."""
    return int(amount.scaleb(DECIMALS[currency]))


def _amount_of(units: int, currency: str) -> Decimal:
    return Decimal(units).scaleb(-DECIMALS[currency])
