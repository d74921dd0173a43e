"""Text and whole numbers of strangers, bounded where they enter; used by every door and command.

A text is one line of NFC without control characters, halves of surrogate pairs and characters that
change the direction of text, of a bounded length. An identifier (a user id) is compared byte by
byte everywhere, so it is refused or kept as it is, never normalised: its NFC may be another user.
Only the standard library is imported, since programs without Django use this as well.
"""

import re
import unicodedata

LARGEST_NUMBER = 2**53  # exact in every reader of JSON
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
DIRECTION = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MOST_DIGITS = 19


class OddValue(ValueError):
    """A stranger's value is refused. `why`: for the answer, behind the name of the field."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def text_from_stranger(
    value: object, *, most: int, low: int = 1, is_identifier: bool = False
) -> str:
    """The text, in NFC, of `low` to `most` bytes of UTF-8. Raises OddValue."""
    if not isinstance(value, str) or len(value) > most or not is_one_line(value):
        raise OddValue(f"must be text of {low} to {most} bytes, in one line")
    if not value.isprintable() and DIRECTION.search(value):
        raise OddValue("has characters that change the direction of text")
    text = value if is_identifier or value.isascii() else unicodedata.normalize("NFC", value)
    if not low <= len(text.encode()) <= most:
        raise OddValue(f"must be text of {low} to {most} bytes, in one line")
    return text


def is_one_line(text: str) -> bool:
    """Whether it has no control characters, no line breaks and no half of a surrogate pair."""
    return text.isprintable() or not UNPRINTABLE.search(text)


def is_plain_identifier(text: str) -> bool:
    """Whether it has nothing that a line of a log or a page must not show. A fraction of a
    microsecond for usual ids: a claim asks it."""
    return text.isprintable() or not (UNPRINTABLE.search(text) or DIRECTION.search(text))


def whole_from_stranger(text: object, *, low: int, high: int) -> int:
    """A whole number in ASCII digits, as a parameter of an address has it. Raises OddValue."""
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        number = int(text)
        if low <= number <= high:
            return number
    raise OddValue(f"must be a whole number from {low} to {high}")


def shown_text(text: str, most: int) -> str:
    """A stranger's text for a log line or an error: one line of at most `most` characters, with
    what can't be shown replaced by `?`."""
    cut = text[:most]
    return cut if cut.isprintable() else DIRECTION.sub("?", UNPRINTABLE.sub("?", cut))
