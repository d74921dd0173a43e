"""Texts and values that strangers send: each in a place where something else is expected."""

from typing import Any

DEEP: Any = 1
for _ in range(300):
    DEEP = [DEEP]

ODD_NUMBERS: list[Any] = [
    2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -1, -(2**63), -(2**63) - 1, 0,
    10**30, 10**400, True, 1.5, 1e308, -0.0, 5e-324,
]  # fmt: skip
ODD_TEXTS = [
    "", " ", "\x00", "a\x00b", "\x1b[31m", "a\r\nb", "\x7f", "\x85", "\u2028", "\u202e", "\u200f",
    "\ud800", "a\udfffb", "\ufeff", "\uffff", "\U0010ffff", "e\u0301", "\u1112\u1161\u11ab",
    "\u00e9", "1e999999999", "9" * 5000, "-0", "+1", "0x10", "1_0", "\u0663", "NaN", "Infinity",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31", "0001-01-01",
    "2026-12-01T09:00:00+24:00", "2026-W01-1", "000001" + "9" * 20, "000001" + "9" * 4400,
    "x" * 3000, "\U0001f600" * 800, "%00", "%", "../..", "{{7*7}}", "' OR 1=1 --", "<script>",
]  # fmt: skip
ODD_SHAPES: list[Any] = [None, [], {}, [[]], {"a": {}}, [None], DEEP, [1] * 300, {"": 1}]
ODD_VALUES: list[Any] = [*ODD_NUMBERS, *ODD_TEXTS, *ODD_SHAPES]
ODD_BODIES = [
    b"{", b"[]", b"1", b'"a"', b"null", b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-0}',
    b'{"a":1e99999}', b'{"a":1,"a":2}', b'{"b":{"a":1,"a":2}}', b'{"a":"\\ud800"}',
    b'{"\\ud800":1}', b'{"\\u0000":1}', b"\xff", b"\x00", b"\xef\xbb\xbf{}", b"{}{}",
    b'{"a":' + b"9" * 3000 + b"}", b"[" * 4000, b'{"a":' * 600 + b"1" + b"}" * 600,
    b'{"a":' * 9 + b"1" + b"}" * 9, b'{"a":18446744073709551616}', b'{"a":9007199254740993}',
]  # fmt: skip
