"""Lists of users and codes: whatever is wrong is named with its line, before anything is done."""

import io
import tracemalloc
from typing import Any

import pytest

from coupons.bulk import reading
from coupons.bulk.reading import BadLine, ByteStream, Format
from coupons.errors import BodyTooLarge


def read_all(
    body: bytes, kind: Format = Format.CSV, fields: Any = reading.GRANT_FIELDS, most: int = 10**9
) -> list[tuple[int, dict[str, Any]]]:
    return list(reading.read_records(ByteStream(io.BytesIO(body).read, most), kind, fields))


ANN_AND_BOB = [(2, {"user": "ann"}), (3, {"user": "bob"})]


@pytest.mark.parametrize(
    "body",
    [
        b"user\nann\nbob\n",
        b"user\nann\nbob",
        b"user\r\nann\r\nbob\r\n",
        b"\xef\xbb\xbfuser\r\nann\r\nbob\r\n",
        b'"user"\n"ann"\n"bob"\n',
        b" User \n ann \n bob \n",
    ],
    ids=["LF", "no end", "CRLF", "BOM", "quotes", "spaces"],
)
def test_forms_of_csv(body: bytes) -> None:
    assert read_all(body) == ANN_AND_BOB


def test_empty_lines_count_and_are_skipped() -> None:
    assert read_all(b"\nuser,nth\n\nann,2\n  \nbob,\n") == [
        (4, {"user": "ann", "nth": 2}),
        (6, {"user": "bob"}),
    ]


def test_json_lines() -> None:
    body = '{"user": "ann"}\r\n\n{"user": "민아, \\"x\\"", "nth": 3}'.encode()
    assert read_all(body, Format.JSON_LINES) == [
        (1, {"user": "ann"}),
        (3, {"user": '민아, "x"', "nth": 3}),
    ]


def test_codes_are_read_as_people_type_them() -> None:
    fields = reading.REVOCATION_FIELDS
    ((line, record),) = read_all(b"code\n0000-0000-0000-0000\n", fields=fields)
    assert (line, record) == (2, {"code": "0000000000000000"})
    with pytest.raises(BadLine, match="line 2: code is not a coupon code"):
        read_all(b"code\n0000-0000-0000-0001\n", fields=fields)


@pytest.mark.parametrize(
    ("body", "kind", "fault"),
    [
        (b"name\nann\n", Format.CSV, "line 1: must name the columns, each once, of: nth, user"),
        (b"user,user\na,b\n", Format.CSV, "line 1: must name the columns"),
        (b"user\nann\nann,1\n", Format.CSV, "line 3: has another count of columns"),
        (b'user\n"ann\n', Format.CSV, "line 2: is not CSV: unexpected end of data"),
        (b'user\n"a"b\n', Format.CSV, "line 2: is not CSV"),
        (b"user\n\xff\xfe\n", Format.CSV, r"line 2: is not UTF-8 \(byte 1\)"),
        ("user\nann\n".encode("utf-16"), Format.CSV, "line 1: is not UTF-8: it begins with"),
        ("user\n민아\n".encode("cp949"), Format.CSV, "line 2: is not UTF-8"),
        (b"user\na\x00b\n", Format.CSV, "line 2"),
        (b"user,nth\nann,0\n", Format.CSV, "line 2: nth must be a whole number from 1"),
        (b"user,nth\nann,1.5\n", Format.CSV, "line 2: nth must be"),
        (b"user,nth\n,1\n", Format.CSV, "line 2: needs user"),
        (b"user\n" + b"x" * 129 + b"\n", Format.CSV, "line 2: user must be text of 1 to 128"),
        (b"user\n" + b"x" * 5000 + b"\n", Format.CSV, "line 2: is longer than 4096 bytes"),
        (b'{"user": "a"}\n{"user": 1}', Format.JSON_LINES, "line 2: user must be text"),
        (b'{"user": "\\ud800"}', Format.JSON_LINES, "line 1: is not JSON"),
        (b'{"user": "a", "x": 1}', Format.JSON_LINES, "line 1: 'x' is not one of: nth, user"),
        (b'["a"]', Format.JSON_LINES, "line 1: must be an object"),
        (b'{"user": "a"}{"user": "b"}', Format.JSON_LINES, "line 1: is not JSON"),
        (b'{"user": "a\\nb"}', Format.JSON_LINES, "line 1: user has characters that can't"),
        (b'{"user": "a", "nth": true}', Format.JSON_LINES, "line 1: nth must be"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(body: bytes, kind: Format, fault: str) -> None:
    with pytest.raises(BadLine, match=fault):
        read_all(body, kind)


def test_too_many_bytes_and_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BodyTooLarge):
        read_all(b"user\n" + b"ann\n" * 100_000, most=100_000)
    monkeypatch.setattr(reading, "MOST_LINES", 3)
    with pytest.raises(BadLine, match="line 4: there may be 3 lines at most"):
        read_all(b"user\na\nb\nc\n")
    with pytest.raises(BadLine, match="line 4"):
        read_all(b"\n" * 10**6)


def test_a_file_without_end_takes_no_memory() -> None:
    """Two gigabytes in one line are refused after its first 4,096 bytes."""
    sent = 0

    def endless(size: int) -> bytes:
        nonlocal sent
        sent += size
        return b"x" * size

    tracemalloc.start()
    with pytest.raises(BadLine, match="line 1: is longer"):
        list(reading.read_records(ByteStream(endless), Format.CSV, reading.GRANT_FIELDS))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent <= 200_000
    assert peak < 2_000_000
