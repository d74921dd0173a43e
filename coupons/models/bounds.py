"""The bounds of a campaign's definition: constants, and validators with a message for the field.

Every moment and number of a definition is within bounds that all databases can store, and so are
values computed from them: the latest closing plus the longest validity is in the year 2299.
"""

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.claims import holder_filter
from coupons.claims.limits import MAX_STOCK
from coupons.claims.stranger_text import DIRECTION, UNPRINTABLE
from coupons.models.currencies import DECIMALS, MOST_DECIMALS

MAX_VALID_DAYS = 36_500  # a hundred years
MAX_REVIVED_DAYS = 90
MAX_OFFER_HOURS = 24 * 30
MAX_FILTER_BLOCKS = holder_filter.block_count(MAX_STOCK)
AMOUNT_DIGITS = 10 + MOST_DECIMALS
MORE_THAN_ANY_AMOUNT = Decimal(10_000_000_000)
PERCENT, MAX_PERCENT = "percent", 100
CURRENCY = r"^[A-Z]{3}\Z"
CURRENCY_FORM = gettext_lazy("Give three capital letters, as ISO 4217 has them: KRW.")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"  # fillers of Hangul, Braille without a dot


def on_the_calendar(at: datetime) -> None:
    """Raises ValidationError for a moment outside of the years 2000 to 2200. Later ones can break
    computations: at the end of 9999 another time zone is in the year 10000 already."""
    aware = timezone.make_aware(at, UTC) if timezone.is_naive(at) else at
    if not EARLIEST <= aware <= LATEST:
        raise ValidationError(_("Choose a moment between the years 2000 and 2200."), "calendar")


def known_currency(code: str) -> None:
    if re.match(CURRENCY, code) and code not in DECIMALS:
        text = _("%(code)s is not a currency of ISO 4217, such as KRW or USD.")
        raise ValidationError(text, "currency", {"code": f"“{code}”"})


def known_key(key_id: str) -> None:
    if key_id not in settings.COUPON_KEYS:
        text = _("COUPON_KEYS has no key %(id)s: codes and receipts could not be made.")
        raise ValidationError(text, "coupon_key", {"id": f"“{key_id}”"})


_HOSTS_OWN = {"localtime", "posixrules", "Factory"}  # files of a host, no zones


def known_zone(name: str) -> None:
    try:
        if name in _HOSTS_OWN:
            raise ValueError
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        text = _("%(zone)s is not a time zone's name, such as Asia/Seoul.")
        raise ValidationError(text, "zone", {"zone": f"“{name}”"}) from None


def one_line(text: str) -> None:
    """Raises ValidationError for control characters, line breaks and lone surrogates, for
    characters that change the direction of text, and for text without any visible character."""
    if UNPRINTABLE.search(text):
        raise ValidationError(_("Write it in one line, without control characters."), "one_line")
    if DIRECTION.search(text):
        raise ValidationError(
            _("Write it without characters that change the direction of text."), "direction"
        )
    if text and not any(map(_is_visible, text)):
        raise ValidationError(_("Write something that can be seen."), "invisible")


def as_one_line(text: str, most: int) -> str:
    """The text made safe for a history entry: one line of at most `most` characters, without
    control and direction characters."""
    return DIRECTION.sub("", UNPRINTABLE.sub(" ", text))[:most]


def _is_visible(character: str) -> bool:
    """Whether a character is visible by itself: no space, combining mark or control code."""
    return unicodedata.category(character)[0] not in "ZCM" and character not in _BLANK_LETTERS
