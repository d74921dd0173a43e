"""Text, numbers and JSON of strangers are bounded where they enter."""

import ast
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import env
from coupons.claims.stranger_json import MOST_DEPTH, json_from_stranger
from coupons.claims.stranger_text import (
    OddValue,
    shown_text,
    text_from_stranger,
    whole_from_stranger,
)

ODD = [
    "", "\x00", "a\nb", "a\rb", "\x1b[2J", "\x7f", "\x9b", "a\u2028b", "\ud800", "\u202eabc",
    "\u200fa", "x" * 21, "\u00e9" * 11, None, 1, b"a", ["a"],
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_19_text_that_could_harm_a_reader_is_refused(odd: object) -> None:
    with pytest.raises(OddValue):
        text_from_stranger(odd, most=20)


def test_19_text_is_normalised_but_an_identifier_is_kept_byte_by_byte() -> None:
    decomposed = unicodedata.normalize("NFD", "한글 é")
    assert text_from_stranger(decomposed, most=40) == "한글 é"
    assert text_from_stranger(decomposed, most=40, is_identifier=True) == decomposed


@pytest.mark.parametrize(
    "text", ["0", "11", "-1", "+1", "1.0", "1e1", "", " 1", "٣", "²", "1" * 5000]
)
def test_19_a_number_is_a_few_ascii_digits(text: str) -> None:
    with pytest.raises(OddValue, match="from 1 to 10"):
        whole_from_stranger(text, low=1, high=10)


@pytest.mark.parametrize(("raw", "why"), [
    (b'{"a":' * (MOST_DEPTH + 1) + b"1" + b"}" * (MOST_DEPTH + 1), "nested too deeply"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a":[9007199254740993]}', "beyond 2"),
    (b'{"a":[-18446744073709551616]}', "beyond 2"),
    (b'{"a":{"b":1e300}}', "beyond 2"),
    (b'{"a":1,"a":1}', "twice"),
    (b'[{"a":1,"a":1}]', "twice"),
    (b'{"a":NaN}', "not JSON"),
    (b'{"a":1e999}', "not JSON"),
    (b'"\\ud800"', "not JSON"),
    (b"\xff", "not JSON"),
    (b"", "not JSON"),
], ids=lambda value: repr(value)[:20])  # fmt: skip
def test_19_json_is_bounded(raw: bytes, why: str) -> None:
    with pytest.raises(OddValue, match=why):
        json_from_stranger(raw)


def test_19_usual_json_is_read() -> None:
    assert json_from_stranger(b'{"a":[{"b":9007199254740992}],"c":-1.5}') == {
        "a": [{"b": 2**53}], "c": -1.5,
    }  # fmt: skip
    assert json_from_stranger(b"[" * MOST_DEPTH + b"]" * MOST_DEPTH)


def test_19_what_is_shown_of_a_strangers_text_is_one_short_line() -> None:
    assert shown_text("a\r\nb\u202e\ud800" + "x" * 100, 8) == "a??b??xx"


# No reader of its own: what reads numbers or JSON of requests and files does so by these modules

READERS = ("api", "bulk", "pages", "management")
# Own documents, answers that a table keeps, and languages; none is a stranger's.
OTHERS = {
    "coupons/api/translations.py": "loads",  # our own problem documents
    "coupons/api/merchant/idempotency.py": "loads",  # our own answers
    "coupons/api/merchant/webhook_views.py": "loads",  # our own answers
    "coupons/api/pagination.py": "isdigit",  # DRF has decoded it
}


def own_readers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("isdigit", "isdecimal", "loads"):
            yield node.attr


def test_19_numbers_and_json_are_read_by_the_bounded_readers_only() -> None:
    files = [file for part in READERS for file in (env.BASE_DIR / "coupons" / part).rglob("*.py")]
    found = {
        str(file.relative_to(env.BASE_DIR)): ",".join(sorted(set(names)))
        for file in files
        if (names := [*own_readers(ast.parse(file.read_text()))])
    }
    assert found == OTHERS
    assert [*own_readers(ast.parse("json.loads(request.body)"))] == ["loads"]
    assert Path("coupons/api").is_dir()
