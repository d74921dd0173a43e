"""Odd inputs, each drawn from a number: a good one of the decoder, changed in some places."""

from collections.abc import Callable, Sequence
from random import Random

MOST_BYTES = 8_192
TOKENS = [
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\r\n", b"\n", b"\t", b"=", b"==", b".",
    b",", b'"', b"'", b"\\", b"{", b"}", b"[" * 40, b"]" * 40, b'{"a":' * 12, b":", b"-", b"+",
    b"NaN", b"Infinity", b"1e999", b"9" * 400, b"18446744073709551616", b"9007199254740993",
    b"\\ud800", b"\\u0000", b"0x1", b"%00", b"../", b"{{7*7}}", b"' OR 1=1", b"=1+1", b"<b>",
    b"eyJhbGciOiJub25lIn0", b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"\xc2\xa0", b"\xd9\xa3", b"#",
    b"@", b"true", b"null", b"-0", b"e30",
]  # fmt: skip
Change = Callable[[Random, bytes], bytes]


def _flip(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) or 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(rng: Random, data: bytes) -> bytes:
    one, other = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return data[:one] + data[other:]


def _repeat(rng: Random, data: bytes) -> bytes:
    one, other = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return data[:other] + data[one:other] * rng.choice((1, 2, 30)) + data[other:]


def _insert(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _noise(rng: Random, data: bytes) -> bytes:
    return rng.randbytes(rng.randrange(1, 40))


CHANGES: Sequence[Change] = (_flip, _flip, _cut, _repeat, _insert, _insert, _insert, _noise)


def odd_input(number: int, seeds: Sequence[bytes]) -> bytes:
    """The input that this number stands for."""
    rng = Random(number)
    data = rng.choice(seeds)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
        data = rng.choice(CHANGES)(rng, data)[:MOST_BYTES]
    return data
