"""Refusals of a campaign's form at the fields they are about, rather than above the form."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

from coupons.admin.formatting import refusal_text
from coupons.errors import CouponError, OpeningPassed, StockBelowAdmitted

VALIDITY = ("valid_until", "valid_days")
_ABOUT: dict[type[CouponError], str] = {
    StockBelowAdmitted: "stock",
    OpeningPassed: "opens_at",
}
# A field that is fixed once a campaign is public → the one that was changed against it.
_STANDS_FOR = {"valid_until": "closes_at", "valid_days": "closes_at", "announced_at": "opens_at"}


def refusal_error(
    refusal: CouponError | ValidationError, fields: Collection[str]
) -> ValidationError:
    """The form's error, by field. `fields`: the names that the form has; what is about none of them
    stands above the form."""
    errors: dict[str, list[str]] = {}
    for name, texts in _texts_by_field(refusal).items():
        shown = name if name in fields else _STANDS_FOR.get(name, "")
        errors.setdefault(shown if shown in fields else NON_FIELD_ERRORS, []).extend(texts)
    return ValidationError(errors)


def _texts_by_field(refusal: CouponError | ValidationError) -> dict[str, list[str]]:
    if isinstance(refusal, ValidationError) and hasattr(refusal, "error_dict"):
        return refusal.message_dict
    return {_ABOUT.get(type(refusal), NON_FIELD_ERRORS): [refusal_text(refusal)]}  # type: ignore[arg-type]


def validity_errors(cleaned: Mapping[str, Any]) -> dict[str, str]:
    """By field: both are named if both or none of them are given. Empty if one could not be read,
    or if the form does not have them."""
    if not all(name in cleaned for name in VALIDITY):
        return {}
    given = [cleaned[name] is not None for name in VALIDITY]
    if any(given) and not all(given):
        return {}
    text = _("Coupons are valid until a fixed end or for a number of days: give one of both.")
    return dict.fromkeys(VALIDITY, text)
