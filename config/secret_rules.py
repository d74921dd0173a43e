"""What makes a value unfit to be a secret in production: it is published, can be guessed, or is
another secret, too. `config.env` asks at start-up, so that no process of ours signs with one.
"""

import hashlib
from collections import Counter
from itertools import pairwise

# SHA-256 of secrets in this repository (defaults, tests, documentation) that no rule below refuses.
# tests/config/test_secrets.py reads the repository and compares.
_PUBLISHED = {"22b412bf25a56592f1f01e6c95f2ba1448ade67b2ba0cea869069874adbc127b"}
_MARKS = (b"local-only", b"django-insecure", b"changeme", b"change-me", b"placeholder", b"example")
_FEWEST_DIFFERENT = 8  # 32 random hexadecimal digits have 14, hardly ever fewer than 8
_SHORTEST_PART = 16  # bytes that two secrets may not share by accident


def secret_weakness(value: bytes) -> str:
    """Why it is no secret, as the end of a sentence; empty if nothing is known against it."""
    if hashlib.sha256(value).hexdigest() in _PUBLISHED or any(
        mark in value.lower() for mark in _MARKS
    ):
        return "stands in our source or is a placeholder: everybody can read it"
    if _is_a_pattern(value) or any(_is_a_pattern(form) for form in _decoded(value)):
        return "is a pattern that can be guessed"
    return ""


def _is_a_pattern(value: bytes) -> bool:
    """Few different bytes, mostly one byte, a repeated part, or a count up or down."""
    counts = Counter(value)
    steps = {(after - before) % 256 for before, after in pairwise(value)}
    repeated = any(value[part:] == value[:-part] for part in range(1, len(value) // 2 + 1))
    return (
        len(counts) < _FEWEST_DIFFERENT
        or max(counts.values()) * 2 > len(value)
        or repeated
        or len(steps) < 4
    )


def _decoded(value: bytes) -> list[bytes]:
    """What it stands for, if it is hexadecimal."""
    try:
        return [bytes.fromhex(value.decode())]
    except ValueError:
        return []


def are_alike(one: bytes, other: bytes) -> bool:
    """The same secret in any form: as it is, as hexadecimal, hashed (as Ansible makes keys of
    coupon codes from text), or as a part of the other."""
    if _forms(one) & _forms(other):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORTEST_PART and short in long


def _forms(value: bytes) -> set[bytes]:
    return {value, *_decoded(value), hashlib.sha256(value).digest()}
