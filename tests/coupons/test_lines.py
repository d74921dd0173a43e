"""Texts that operators type into a definition must be one visible line."""

import pytest
from django.core.exceptions import ValidationError

from coupons.models import Campaign
from coupons.models.bounds import one_line

NAMES = [field.name for field in Campaign._meta.fields]
INVISIBLE = [
    "\u200b", "\u2060\ufeff", " \u200b ", "\u00a0\u3000", "\u00ad", "\u3164", "\u115f\u1160",
    "\uffa0", "\u2800", "\ufe0f", "\u034f", "\u0301",
]  # fmt: skip
TURNING = [
    "50% \u202eoff", "\u202a", "a\u202cb", "\u2066a\u2069", "sale\u200e", "\u200fsale", "\u061c",
]  # fmt: skip
VISIBLE = [
    "봄맞이 세일",
    "50 %",
    "👨\u200d👩\u200d👧 sale",
    "é",
    "e\u0301",
    "שלום",
    "!",
    "쿠폰\u3000하나",
]


@pytest.mark.parametrize("name", VISIBLE)
def test_what_can_be_seen_is_taken(name: str) -> None:
    one_line(name)


@pytest.mark.parametrize("name", [*INVISIBLE, *TURNING, "a\nb", "a\x1b[2J", "a\x85b", "a\u2028b"])
@pytest.mark.parametrize("field", ["name", "audience"])
def test_what_shows_nothing_or_turns_the_text_is_refused(name: str, field: str) -> None:
    with pytest.raises(ValidationError):
        Campaign(**{field: name}).clean_fields(set(NAMES) - {field})
