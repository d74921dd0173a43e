"""Read a list of users or codes, CSV or JSON lines, as a stream: never more than a line in memory.

The first fault ends the reading and names its line, so that nothing is half done. Lines are counted
as an editor counts them, empty ones included.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from coupons.claims import coupon_codes
from coupons.claims.limits import MAX_PER_USER, MAX_USER_BYTES
from coupons.claims.stranger_json import NotJson, json_from_stranger
from coupons.claims.stranger_text import (
    OddValue,
    is_plain_identifier,
    shown_text,
    whole_from_stranger,
)
from coupons.errors import BadInput, BodyTooLarge

MOST_LINES = 1_000_000
MOST_BYTES = 128 * 1024 * 1024
MOST_LINE_BYTES = 4_096
_CHUNK = 65_536
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")
Record = dict[str, Any]


class Format(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"


class BadLine(BadInput):
    """`line` counts from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}", why)
        self.line = line

    def extra(self) -> dict[str, object]:
        return {"line": self.line, **super().extra()}


@dataclass(slots=True)
class ByteStream:
    """Counts and hashes what is read. `read(n)` returns at most n bytes, b"" at the end."""

    read: Callable[[int], bytes]
    most: int = MOST_BYTES
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def chunks(self) -> Iterator[bytes]:
        """Raises BodyTooLarge."""
        while chunk := self.read(_CHUNK):
            self.size += len(chunk)
            if self.size > self.most:
                raise BodyTooLarge(f"The body has more than {self.most} bytes.")
            self.digest.update(chunk)
            yield chunk


def read_records(
    stream: ByteStream, kind: Format, fields: frozenset[str]
) -> Iterator[tuple[int, Record]]:
    """The records with their line numbers. `fields`: those that a record may have. Raises BadLine,
    BodyTooLarge."""
    parse = _csv_parser(fields) if kind is Format.CSV else _parse_json
    for number, text in _text_lines(stream):
        if number > MOST_LINES:
            raise BadLine(number, f"there may be {MOST_LINES} lines at most")
        if not text.strip():
            continue
        record = parse(number, text)
        if record is not None:
            yield number, _checked(number, record, fields)


def _text_lines(stream: ByteStream) -> Iterator[tuple[int, str]]:
    """Ends of lines are LF, CRLF or CR LF cut in two; a byte-order mark of UTF-8 is skipped."""
    for number, line in _byte_lines(stream):
        if number == 1:
            if line.startswith(_OTHER_BOMS):
                raise BadLine(1, "is not UTF-8: it begins with the mark of UTF-16")
            line = line.removeprefix(_BOM)
        if len(line) > MOST_LINE_BYTES:
            raise BadLine(number, f"is longer than {MOST_LINE_BYTES} bytes")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise BadLine(number, f"is not UTF-8 (byte {error.start + 1})") from None
        yield number, text.removesuffix("\r")


def _byte_lines(stream: ByteStream) -> Iterator[tuple[int, bytes]]:
    rest, number = b"", 0
    for chunk in stream.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            yield number, line
        if len(rest) > MOST_LINE_BYTES:
            raise BadLine(number + 1, f"is longer than {MOST_LINE_BYTES} bytes")
    if rest:
        yield number + 1, rest


def _csv_parser(fields: frozenset[str]) -> Callable[[int, str], Record | None]:
    """The first line that is not empty names the columns; for it the parser returns None."""
    names: list[str] = []

    def parse(number: int, text: str) -> Record | None:
        cells = _cells(number, text)
        if not names:
            names.extend(_column_names(number, cells, fields))
            return None
        if len(cells) != len(names):
            counts = f"{len(cells)}, not {len(names)}"
            raise BadLine(number, f"has another count of columns than the first line: {counts}")
        return {name: cell for name, cell in zip(names, cells, strict=True) if cell != ""}

    return parse


def _cells(number: int, text: str) -> list[str]:
    try:
        (cells,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as error:
        raise BadLine(number, f"is not CSV: {error}") from None
    return [cell.strip() for cell in cells]


def _column_names(number: int, cells: list[str], fields: frozenset[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    wrong = [name for name in names if name not in fields]
    if wrong or len(set(names)) != len(names):
        known = ", ".join(sorted(fields))
        raise BadLine(number, f"must name the columns, each once, of: {known}")
    return names


def _parse_json(number: int, text: str) -> Record:
    try:
        record = json_from_stranger(text.encode())
    except NotJson as error:
        raise BadLine(number, f"is not JSON (column {error.column})") from None
    except OddValue as odd:
        raise BadLine(number, odd.why) from None
    if not isinstance(record, dict):
        raise BadLine(number, "must be an object")
    return record


def _checked(number: int, record: Record, fields: frozenset[str]) -> Record:
    for name in record:
        if name not in fields:
            raise BadLine(
                number, f"{shown_text(name, 64)!r} is not one of: {', '.join(sorted(fields))}"
            )
    checked = {name: _CHECKS[name](number, value) for name, value in record.items()}
    if "code" in checked and len(checked) > 1:
        raise BadLine(number, "has a code, so it needs nothing else: name a code or a user")
    if "user" not in checked and "code" not in checked:
        raise BadLine(number, f"needs {' or '.join(sorted(fields & {'user', 'code'}))}")
    return checked


def _user(number: int, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode(errors="replace")) <= MAX_USER_BYTES:
        raise BadLine(number, f"user must be text of 1 to {MAX_USER_BYTES} bytes")
    if not is_plain_identifier(value):
        raise BadLine(number, "user has characters that can't be printed")
    return value


def _nth(number: int, value: Any) -> int:
    if isinstance(value, str):
        try:
            value = whole_from_stranger(value, low=1, high=MAX_PER_USER)
        except OddValue:
            value = 0
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PER_USER:
        raise BadLine(number, f"nth must be a whole number from 1 to {MAX_PER_USER}")
    return value


def _code(number: int, value: Any) -> str:
    code = coupon_codes.normalise_code(value) if isinstance(value, str) else None
    if code is None:
        raise BadLine(number, "code is not a coupon code")
    return code


_CHECKS: dict[str, Callable[[int, Any], Any]] = {"user": _user, "nth": _nth, "code": _code}
GRANT_FIELDS = frozenset({"user", "nth"})
REVOCATION_FIELDS = frozenset({"code", "user", "nth"})
