"""12.A4: times are whole milliseconds, over the whole range of the calendar."""

import ast
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import env
from coupons.claims.timestamps import LAST_MS, iso_of, milliseconds_of, moment_of, text_of

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "ms"),
    [
        (LAST, LAST_MS),  # the float of this second and its fraction is the year 10000
        (FIRST, -62_135_596_800_000),
        (EPOCH - timedelta(microseconds=1), -1),
        (EPOCH + timedelta(microseconds=999), 0),
        (datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 7_258_118_399_999),
        (datetime.max.replace(tzinfo=ZoneInfo("America/New_York")), LAST_MS + 5 * 3_600_000),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=9))), -62_135_629_200_000),
    ],
)
def test_12_a4_milliseconds_are_exact_at_the_ends_of_the_calendar(at: datetime, ms: int) -> None:
    assert milliseconds_of(at) == ms


@given(st.datetimes(timezones=st.just(UTC)))
def test_12_a4_milliseconds_are_the_floor_and_come_back(at: datetime) -> None:
    ms = milliseconds_of(at)
    assert moment_of(ms) <= at < moment_of(ms) + timedelta(milliseconds=1) or ms == LAST_MS
    assert milliseconds_of(moment_of(ms)) == ms


@pytest.mark.parametrize("ms", [LAST_MS, -62_135_596_800_000, -1, 0])
def test_12_a4_every_moment_of_the_calendar_has_its_texts(ms: int) -> None:
    assert milliseconds_of(datetime.fromisoformat(iso_of(ms))) == ms
    assert text_of(ms)[:10] == iso_of(ms)[:10]


def test_12_a4_no_code_computes_milliseconds_from_float_seconds() -> None:
    """`x.timestamp() * 1000` is wrong in its last digits; `database.milliseconds` is not."""
    for folder in ("coupons", "config", "locust"):
        for file in sorted((env.BASE_DIR / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                    assert ".timestamp()" not in ast.unparse(node), f"{file}:{node.lineno}"
