"""Which values are refused as secrets in production: published ones, guessable ones, and one value
under two names. `config.env` checks at start-up, so that no process of ours signs with one.
"""

import hashlib
from collections import Counter
from itertools import pairwise

# SHA-256 of those secrets in this repository (defaults, tests, documentation) that no rule below
# refuses. tests/config/test_secrets.py searches the repository and compares.
_PUBLISHED = {"22b412bf25a56592f1f01e6c95f2ba1448ade67b2ba0cea869069874adbc127b"}
_MARKS = (b"local-only", b"django-insecure", b"changeme", b"change-me", b"placeholder", b"example")
_FEWEST_DIFFERENT = 8  # different bytes; 32 random hexadecimal digits have 14, rarely fewer than 8
_SHORTEST_PART = 16  # bytes; a shorter secret may be a part of another one by chance


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
    """Few different bytes, mostly one byte, a repeated part, or few different steps from byte to
    byte (as counting up or down has)."""
    counts = Counter(value)
    steps = {(following - previous) % 256 for previous, following in pairwise(value)}
    repeated = any(value[part:] == value[:-part] for part in range(1, len(value) // 2 + 1))
    return (
        len(counts) < _FEWEST_DIFFERENT
        or max(counts.values()) * 2 > len(value)
        or repeated
        or len(steps) < 4
    )


def _decoded(value: bytes) -> list[bytes]:
    """The bytes it encodes, if it is hexadecimal; else none."""
    try:
        return [bytes.fromhex(value.decode())]
    except ValueError:
        return []


def are_alike(first: bytes, other: bytes) -> bool:
    """Whether both are the same secret in any form: as they are, hexadecimal, hashed (as Ansible
    derives the keys of coupon codes from text), or one as a part of the other."""
    if _forms(first) & _forms(other):
        return True
    short, long = sorted((first, other), key=len)
    return len(short) >= _SHORTEST_PART and short in long


def _forms(value: bytes) -> set[bytes]:
    return {value, *_decoded(value), hashlib.sha256(value).digest()}
