"""Invalid definitions of campaigns: the wrong values, the field with the error, words of its
text."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

OPENS = datetime(2099, 12, 1, 3, tzinfo=UTC)
CLOSES = OPENS + timedelta(minutes=10)
LAST = datetime.max.replace(tzinfo=UTC)

SOUND: dict[str, Any] = {
    "slug": "sale", "name": "The sale", "strategy": "queued", "stock": 10, "per_user": 1,
    "audience": "", "opens_at": OPENS, "closes_at": CLOSES, "discount": "percent",
    "discount_value": Decimal(10), "currency": "KRW", "minimum_order": Decimal(0),
    "discount_cap": None, "valid_until": None, "valid_days": 30,
}  # fmt: skip

_CALENDAR = "between the years 2000 and 2200"
_TOO_SHORT = "must be valid for longer than the campaign is open"


def _until(at: datetime, **more: Any) -> dict[str, Any]:
    return {"valid_until": at, "valid_days": None, **more}


def _fixed(value: str, **more: Any) -> dict[str, Any]:
    return {"discount": "amount", "discount_value": Decimal(value), **more}


def _in(currency: str, minimum: str, **more: Any) -> dict[str, Any]:
    return {"currency": currency, "minimum_order": Decimal(minimum), **more}


BROKEN: list[tuple[dict[str, Any], str, str]] = [
    # 12.A4: the ends of the calendar
    (_until(LAST), "valid_until", _CALENDAR),
    (_until(datetime(2200, 1, 1, 0, 0, 0, 1_000, tzinfo=UTC)), "valid_until", _CALENDAR),
    ({"closes_at": LAST}, "closes_at", _CALENDAR),
    ({"opens_at": datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)}, "opens_at", _CALENDAR),
    ({"opens_at": datetime.min.replace(tzinfo=UTC)}, "opens_at", _CALENDAR),
    ({"opens_at": CLOSES}, "closes_at", "must close after it opens"),
    ({"closes_at": OPENS + timedelta(microseconds=999)}, "closes_at", "must close after it opens"),
    # 12.5: expired before it is issued
    (_until(datetime(2001, 1, 1, tzinfo=UTC)), "valid_until", _TOO_SHORT),
    (_until(OPENS + timedelta(minutes=1)), "valid_until", _TOO_SHORT),
    (_until(CLOSES), "valid_until", _TOO_SHORT),
    (_until(CLOSES + timedelta(microseconds=999)), "valid_until", _TOO_SHORT),
    ({"valid_days": 0}, "valid_days", "greater than or equal to 1"),
    # 12.13: no such currency
    ({"currency": "ZZZ"}, "currency", "ZZZ"),
    ({"currency": "krw"}, "currency", "ISO 4217"),
    ({"currency": ""}, "currency", "blank"),
    ({"currency": "XXX"}, "currency", "ISO 4217"),
    ({"currency": "XAU"}, "currency", "ISO 4217"),
    (_fixed("1000.50", minimum_order=Decimal(9000)), "discount_value", "KRW have no decimals"),
    (_in("KRW", "1000.50"), "minimum_order", "KRW have no decimals"),
    (_in("JPY", "0.01"), "minimum_order", "JPY have no decimals"),
    ({"discount_cap": Decimal("1000.5")}, "discount_cap", "KRW have no decimals"),
    (_in("USD", "9.999"), "minimum_order", "USD have at most 2 decimals"),
    (_in("KWD", "1.2345"), "minimum_order", "3 decimal places"),
    ({"discount_value": Decimal("33.333")}, "discount_value", "at most 2 decimals"),
    # 12.13, 12.22: terms that no coupon can have
    ({"discount_cap": Decimal(0)}, "discount_cap", "more than nothing"),
    ({"discount_cap": Decimal(-1)}, "discount_cap", "more than nothing"),
    (_fixed("5000", minimum_order=Decimal(9000), discount_cap=Decimal(100)), "discount_cap",
     "no largest discount"),
    (_fixed("5000", minimum_order=Decimal(9000), discount_cap=Decimal(9000)), "discount_cap",
     "no largest discount"),
    (_fixed("1000000", minimum_order=Decimal(10_000)), "discount_value", "10 times the minimum"),
    ({"discount_value": Decimal(0)}, "discount_value", "more than nothing"),
    ({"discount_value": Decimal("-10")}, "discount_value", "more than nothing"),
    ({"discount_value": Decimal("100.01")}, "discount_value", "more than 100 percent"),
    ({"minimum_order": Decimal(-1)}, "minimum_order", "can't be negative"),
    # 12.21: numbers without end
    ({"valid_days": 99_999_999}, "valid_days", "less than or equal to 36500"),
    ({"valid_days": 36_501}, "valid_days", "less than or equal to 36500"),
    ({"valid_days": 10**30}, "valid_days", "less than or equal to"),
    ({"valid_days": -1}, "valid_days", "greater than or equal to"),
    ({"valid_days": 36_500, "closes_at": datetime(2100, 3, 1, tzinfo=UTC)}, "valid_days",
     "beyond the year 2200"),
    ({"stock": 0}, "stock", "greater than or equal to 1"),
    ({"stock": 10_000_001}, "stock", "less than or equal to 10000000"),
    ({"stock": 10**30}, "stock", "less than or equal to"),
    ({"per_user": 0}, "per_user", "greater than or equal to 1"),
    ({"per_user": 101}, "per_user", "less than or equal to 100"),
    ({"minimum_order": Decimal(10_000_000_000)}, "minimum_order", "digits"),
    ({"discount_cap": Decimal("1E+999999")}, "discount_cap", "digits"),
    (_fixed("99999999999", minimum_order=Decimal(9_999_999_999)), "discount_value", "digits"),
    # and texts that can't be shown or sent
    ({"name": "two\nlines"}, "name", "in one line"),
    ({"name": "bell\x07"}, "name", "in one line"),
    ({"audience": "a\x00b"}, "audience", "in one line"),
    ({"strategy": "lottery"}, "strategy", "not a valid choice"),
    ({"discount": "gift"}, "discount", "not a valid choice"),
]  # fmt: skip

ONLY_IN_PYTHON: list[tuple[dict[str, Any], str, str]] = [
    # Values that no form and no fixture can contain.
    ({"discount_value": Decimal("NaN")}, "discount_value", "must be a decimal number"),
    ({"minimum_order": Decimal("Infinity")}, "minimum_order", "must be a decimal number"),
    ({"minimum_order": "many"}, "minimum_order", "must be a decimal number"),
    ({"minimum_order": Decimal("1E-999999")}, "minimum_order", "digits in total"),
    ({"name": "half \ud83d"}, "name", "in one line"),
    ({"opens_at": "tomorrow"}, "opens_at", "invalid format"),
    ({"opens_at": None}, "opens_at", "cannot be null"),
    ({"stock": "ten"}, "stock", "must be an integer"),
    ({"key_id": "retired"}, "key_id", "COUPON_KEYS has no key"),
    ({"filter_blocks": 0}, "filter_blocks", "greater than or equal to 1"),
    ({"filter_blocks": 2**32 - 1}, "filter_blocks", "less than or equal to 312500"),
]
