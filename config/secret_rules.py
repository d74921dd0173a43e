"""Which values are refused as secrets in production: published ones, guessable ones, and one value
under two names. `config.env` checks at start-up, so that no process of ours signs with one.
"""

import base64
import hashlib
import re
from collections import Counter
from contextlib import suppress
from itertools import pairwise

# SHA-256 of those secrets in this repository (defaults, tests, documentation) that no rule below
# refuses. tests/config/test_secrets.py searches the repository and compares.
_PUBLISHED = {"22b412bf25a56592f1f01e6c95f2ba1448ade67b2ba0cea869069874adbc127b"}
_MARKS = (b"local-only", b"django-insecure", b"changeme", b"change-me", b"placeholder", b"example")
_FEWEST_DIFFERENT = 8  # different bytes; 32 random hexadecimal digits have 14, rarely fewer than 8
_SHORTEST_PART = 16  # bytes; a shorter secret may be a part of another one by chance
_FEWEST_UNPREDICTABLE = 16  # bytes; as hexadecimal digits they still have 64 bits
_PART = 4  # bytes; so many that follow one another are looked for elsewhere
_KEYBOARD_ROWS = (b"1234567890-=", b"qwertyuiop[]", b"asdfghjkl;", b"zxcvbnm,./", b"!@#$%^&*()_+")
_COMMON_WORDS = re.compile(
    rb"admin|api|battery|company|correct|coupon|default|demo|django|dummy|hello|horse|iloveyou|jwt|"
    rb"key|letmein|local|master|my|only|pass|phrase|please|prod|production|random|redis|replace|"
    rb"root|sample|secret|server|shop|signing|staple|super|test|this|token|user|very|welcome|word|"
    rb"your|(?:19|20)[0-9]{2}"
)
_LEET = bytes.maketrans(b"@430$15!7", b"aaeosisit")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def secret_weakness(value: bytes) -> str:
    """Why it is not a secret, as the end of a sentence; empty if no rule refuses it."""
    if hashlib.sha256(value).hexdigest() in _PUBLISHED or any(
        mark in value.lower() for mark in _MARKS
    ):
        return "is in our published source or is a placeholder: everybody can read it"
    if _is_a_pattern(value) or any(_is_a_pattern(form) for form in _decoded(value)):
        return "is a pattern that can be guessed"
    return ""


def _is_a_pattern(value: bytes) -> bool:
    """Few different bytes, mostly one byte, few different steps from byte to byte (as counting
    has), or too few bytes that nothing foretells, also where two texts alternate."""
    counts, fewest = Counter(value), min(_FEWEST_UNPREDICTABLE, len(value) // 2)
    steps = {(following - previous) % 256 for previous, following in pairwise(value)}
    return (
        len(counts) < _FEWEST_DIFFERENT
        or max(counts.values()) * 2 > len(value)
        or len(steps) < 4
        or _unpredictable_count(value) < fewest
        or sum(_unpredictable_count(value[start::2]) for start in (0, 1)) < fewest
    )


def _unpredictable_count(value: bytes) -> int:
    """Bytes that belong to no common word, repeated part, count or row of a keyboard."""
    folded = value.lower()
    foretold = set[int]()
    for at in range(len(folded) - _PART + 1):
        part = folded[at : at + _PART]
        if part in folded[:at] or _is_a_run(part):
            foretold.update(range(at, at + _PART))
    for word in _COMMON_WORDS.finditer(folded.translate(_LEET)):
        foretold.update(range(*word.span()))
    return len(value) - len(foretold)


def _is_a_run(part: bytes) -> bool:
    """One byte again and again, counting up or down, or keys that lie side by side."""
    steps = {following - previous for previous, following in pairwise(part)}
    return steps in ({0}, {1}, {-1}) or any(
        part in row or part[::-1] in row for row in _KEYBOARD_ROWS
    )


def _decoded(value: bytes) -> list[bytes]:
    """The bytes it encodes, if it is hexadecimal, and if it is base64 of either alphabet."""
    found = []
    with suppress(ValueError):
        found.append(bytes.fromhex(value.decode()))
    with suppress(ValueError):
        padded = value.rstrip(b"=") + b"=" * (-len(value.rstrip(b"=")) % 4)
        found.append(base64.b64decode(padded.translate(_URL_SAFE), validate=True))
    return found


def are_alike(first: bytes, other: bytes) -> bool:
    """Whether both are the same secret in any form: as they are, in hexadecimal or base64,
    backwards, hashed (as Ansible derives the keys of coupon codes from text), or one as a part of
    the other."""
    forms, others = _forms(first), _forms(other)
    return bool(forms & others) or any(
        short in long
        for one in forms
        for another in others
        for short, long in [sorted((one, another), key=len)]
        if len(short) >= _SHORTEST_PART
    )


def _forms(value: bytes) -> set[bytes]:
    plain = {value, value[::-1]}
    for _ in range(2):  # encoded once, or twice
        plain |= {decoded for form in plain for decoded in _decoded(form)}
    plain |= {form[::-1] for form in plain}
    return plain | {hashlib.sha256(form).digest() for form in plain}
