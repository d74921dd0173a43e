"""Which values are refused as secrets in production: published ones, guessable ones, and one value
under two names. `config.env` checks at start-up, so that no process of ours signs with one.
"""

import base64
import hashlib
import re
from collections import Counter
from contextlib import suppress
from functools import cache
from itertools import pairwise

# SHA-256 of those secrets in this repository (defaults, tests, documentation) that no rule below
# refuses. tests/config/test_secrets.py searches the repository and compares.
_PUBLISHED = {
    "22b412bf25a56592f1f01e6c95f2ba1448ade67b2ba0cea869069874adbc127b",
    "465d9ad5d5528ebe287b5dce4fb51620833d09b290e49ddcc70ca6c4a0aea01b",  # what jwt.io shows
    "8b1b17a9740c068accab5c3d0d652c8e3cc13206e70bb73b42ea41d4c2de3c12",  # the key of RFC 7515, A.1
}
# Compared without case, `-`, `_`, `.` and blanks.
_MARKS = re.compile(
    rb"localonly|djangoinsecure|change(?:me|this|it)|replace(?:me|this)|placeholder|example|insert|"
    rb"^todo|^fixme|^<.*>$"
)
_JOINTS = re.compile(rb"[-_. ]+")
_LONGEST_JUDGED = 1000  # bytes; the rules take quadratic time
_FEWEST_DIFFERENT = 8  # different bytes; 32 random hexadecimal digits have 14, rarely fewer than 8
_SHORTEST_PART = 16  # bytes; a shorter secret may be a part of another one by chance
_FEWEST_UNPREDICTABLE = 16  # bytes; as hexadecimal digits they still have 64 bits
_PART = 4  # bytes; so many that follow one another are looked for elsewhere
_KEYBOARD_ROWS = (
    b"1234567890-=", b"qwertyuiop[]", b"asdfghjkl;", b"zxcvbnm,./", b"!@#$%^&*()_+",
    b"1qaz", b"2wsx", b"3edc", b"4rfv", b"5tgb", b"6yhn", b"7ujm", b"8ik,", b"9ol.", b"0p;/",
)  # fmt: skip
_WORDS = (
    b"admin|api|battery|company|correct|coupon|default|demo|django|dummy|hello|horse|iloveyou|jwt|"
    b"key|letmein|local|master|my|only|pass|phrase|please|prod|production|random|redis|replace|"
    b"root|sample|secret|server|shop|signing|staple|super|test|this|token|user|very|welcome|word|"
    b"your"
)
_COMMON_WORDS = re.compile(_WORDS + b"|(?:19|20)[0-9]{2}")
# Words whose hash is no secret either; the empty one is the hash of a variable that is not set.
_HASHED_WORDS = [b"", b"password", b"changeme", b"123456", b"12345678", *_WORDS.split(b"|")]
_HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")
_LEET = bytes.maketrans(b"@430$15!7", b"aaeosisit")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def secret_weakness(value: bytes) -> str:
    """Why it is not a secret, as the end of a sentence; empty if no rule refuses it."""
    value = value[:_LONGEST_JUDGED]
    if hashlib.sha256(value).hexdigest() in _PUBLISHED or _MARKS.search(
        _JOINTS.sub(b"", value.lower())
    ):
        return "is in our published source or is a placeholder: everybody can read it"
    if any(_is_a_pattern(form) or _is_a_hashed_word(form) for form in _encoded_in(value)):
        return "is a pattern that can be guessed"
    return ""


def published_key(value: bytes) -> str:
    """Which kind of key it is, if it is one that its owner gives away; empty if it is none.

    A public key, a certificate or a JWK where a shared secret belongs: everybody could sign with it
    (CVE-2022-29217). PyJWT has a rule of its own for the secrets of tokens."""
    for kind, pattern in _PUBLISHED_KEYS.items():
        if pattern.search(value):
            return kind
    return ""


_PUBLISHED_KEYS = {
    "a key or certificate in PEM": re.compile(rb"-{4,5} ?BEGIN [A-Z0-9 ]+-{4,5}"),
    "an SSH key": re.compile(rb"\A\s*(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-)"),
    "a JWK": re.compile(rb"\A\s*[\[{].*\"kty\"", re.DOTALL),
}


def _is_a_pattern(value: bytes) -> bool:
    """Few different bytes, mostly one byte, one part again and again, few different steps from byte
    to byte (as counting has), or too few bytes that nothing foretells, also where two texts
    alternate."""
    counts, fewest = Counter(value), min(_FEWEST_UNPREDICTABLE, len(value) // 2)
    steps = {(following - previous) % 256 for previous, following in pairwise(value)}
    return (
        len(counts) < _FEWEST_DIFFERENT
        or max(counts.values()) * 2 > len(value)
        or value in (value + value)[1:-1]
        or len(steps) < 4
        or _unpredictable_count(value) < fewest
        or sum(_unpredictable_count(value[start::2]) for start in (0, 1)) < fewest
    )


def _is_a_hashed_word(value: bytes) -> bool:
    return value in _word_hashes()


@cache
def _word_hashes() -> set[bytes]:
    return {
        hashlib.new(name, word, usedforsecurity=False).digest()
        for name in _HASHES
        for word in _HASHED_WORDS
    }


def _unpredictable_count(value: bytes) -> int:
    """Bytes that belong to no common word, repeated part, count or row of a keyboard."""
    folded = value.lower()
    foretold = set[int]()
    for at in range(len(folded) - _PART + 1):
        part = folded[at : at + _PART]
        if part in folded[:at] or _is_a_run(part):
            foretold.update(range(at, at + _PART))
    letters = folded.translate(_LEET)
    for word in _COMMON_WORDS.finditer(letters):
        foretold.update(range(*word.span()))
    for word in _COMMON_WORDS.finditer(letters[::-1]):
        foretold.update(range(len(value) - word.end(), len(value) - word.start()))
    return len(value) - len(foretold)


def _is_a_run(part: bytes) -> bool:
    """One byte again and again, counting up or down, or keys that lie side by side."""
    steps = {following - previous for previous, following in pairwise(part)}
    return steps in ({0}, {1}, {-1}) or any(
        part in row or part[::-1] in row for row in _KEYBOARD_ROWS
    )


def _encoded_in(value: bytes) -> set[bytes]:
    """The value, and what it encodes once or twice."""
    forms = {value}
    for _ in range(2):
        forms |= {decoded for form in forms for decoded in _decoded(form)}
    return forms - {b""}


def _decoded(value: bytes) -> list[bytes]:
    """The bytes it encodes, if it is hexadecimal (with or without colons), base32, or base64 of
    either alphabet."""
    found, bare = [], value.rstrip(b"=")
    with suppress(ValueError):
        found.append(bytes.fromhex(value.decode().replace(":", "")))
    with suppress(ValueError):
        found.append(base64.b32decode(bare + b"=" * (-len(bare) % 8), casefold=True))
    with suppress(ValueError):
        padded = bare + b"=" * (-len(bare) % 4)
        found.append(base64.b64decode(padded.translate(_URL_SAFE), validate=True))
    return found


def are_alike(first: bytes, other: bytes) -> bool:
    """Whether both are the same secret in any form: as they are, in another case, encoded,
    backwards, hashed (as Ansible derives the keys of coupon codes from text), one as a part of the
    other, or half of the shorter one in both."""
    plain, other_plain = _plain_forms(first), _plain_forms(other)
    return not _with_hashes(plain).isdisjoint(_with_hashes(other_plain)) or any(
        _share_a_part(*sorted((one, another), key=len)) for one in plain for another in other_plain
    )


def _share_a_part(short: bytes, long: bytes) -> bool:
    """Whether a part of both is as long as half of the shorter one."""
    length = max(_SHORTEST_PART, len(short) // 2)
    return any(short[at : at + length] in long for at in range(len(short) - length + 1))


def _plain_forms(value: bytes) -> set[bytes]:
    judged = value[:_LONGEST_JUDGED]
    forms = _encoded_in(judged) | _encoded_in(judged[::-1])
    forms |= {form.lower() for form in forms}
    return forms | {form[::-1] for form in forms}


def _with_hashes(forms: set[bytes]) -> set[bytes]:
    hashed = {
        hashlib.new(name, form, usedforsecurity=False).digest()
        for name in _HASHES
        for form in forms
    }
    return forms | hashed | {hashlib.sha256(digest).digest() for digest in hashed}
