"""Export a campaign's coupons, JSON lines or CSV, as a stream: a page of rows in memory at a time.

The last line says that it is complete, or after which place to go on; without it the export was cut
off. CSV is safe to open in a spreadsheet (`defusedcsv`): text that would be a formula gets a quote
in front of it. JSON lines are exact.
"""

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from defusedcsv import csv

from coupons.bulk.reading import Format
from coupons.claims import coupon_codes, timestamps
from coupons.claims.limits import slot_id
from coupons.database import availability, clock
from coupons.models import Campaign, Coupon, CouponLife, CouponState
from coupons.models.currencies import DECIMALS, MOST_DECIMALS

PAGE = 2_000
COLUMNS = (
    "place", "coupon", "user", "nth", "code", "state", "order_ref", "discount", "admitted_at",
    "expires_at",
)  # fmt: skip
Row = tuple[Any, ...]


def export_coupons(
    campaign: Campaign,
    file_format: Format,
    *,
    after: int = 0,
    time_s: float | None = None,
    tell: Callable[[int], None] = lambda rows: None,
) -> Iterator[bytes]:
    """Chunks of whole lines, coupons above the place `after` in the order of places. After `time_s`
    it ends with the place to go on from. Raises DatabaseAway in the middle: then the last line is
    missing."""
    deadline = None if time_s is None else time.monotonic() + time_s
    write = _csv_lines if file_format is Format.CSV else _json_lines
    if file_format is Format.CSV and not after:
        yield write([COLUMNS])
    exported = 0
    while True:
        rows = _page(campaign, after)
        if rows:
            after = rows[-1][0]
            yield write(rows)
            exported += len(rows)
            tell(exported)
        is_complete = len(rows) < PAGE
        if is_complete or (deadline is not None and time.monotonic() >= deadline):
            yield _last_line(file_format, after, is_complete=is_complete)
            return


def _page(campaign: Campaign, after: int) -> list[Row]:
    first, end = slot_id(campaign.pk, after), slot_id(campaign.pk + 1, 0)
    with availability.require_database():
        now = clock.read_now()
        coupons = Coupon.objects.filter(slot_id__gt=first, slot_id__lt=end).order_by("slot_id")
        fields = ("slot_id", "place", "user", "nth", "code", "admitted_at", "expires_at")
        rows = list(coupons.values_list(*fields)[:PAGE])
        lives = _lives(rows[0][0], rows[-1][0]) if rows else {}
    return [_row(row, lives.get(row[0]), now, campaign.currency) for row in rows]


def _lives(first: int, last: int) -> dict[int, CouponLife]:
    lives = CouponLife.objects.filter(pk__gte=first, pk__lte=last)
    return {life.pk: life for life in lives}


def _discount(life: CouponLife | None, currency: str) -> str | None:
    """In the currency's own digits."""
    if life is None or life.discount is None:
        return None
    return f"{life.discount:.{DECIMALS.get(currency, MOST_DECIMALS)}f}"


def _row(row: Row, life: CouponLife | None, now: Any, currency: str) -> Row:
    slot, place, user, nth, code, admitted_at, expires_at = row
    end = (life.end_override if life else None) or expires_at
    return (
        place, str(slot), user, nth, coupon_codes.grouped_code(code), _state(life, end, now),
        life.order_ref if life else None,
        _discount(life, currency),
        timestamps.iso_of(timestamps.milliseconds_of(admitted_at)),
        timestamps.iso_of(timestamps.milliseconds_of(end)),
    )  # fmt: skip


def _state(life: CouponLife | None, end: Any, now: Any) -> str:
    """As it reads now: an expiry or the end of a hold need not be recorded."""
    stored = life.state if life else CouponState.ISSUED
    if (
        life is not None
        and stored == CouponState.HELD
        and life.hold_until
        and now < life.hold_until
    ):
        return CouponState.HELD.value
    if stored in (CouponState.ISSUED, CouponState.HELD):
        return (CouponState.EXPIRED if now >= end else CouponState.ISSUED).value
    return str(stored)


def _json_lines(rows: list[Row]) -> bytes:
    return b"".join(
        orjson.dumps(dict(zip(COLUMNS, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
        for row in rows
    )


def _csv_lines(rows: list[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _last_line(file_format: Format, after: int, *, is_complete: bool) -> bytes:
    if file_format is Format.CSV:
        return b"# complete\r\n" if is_complete else b"# go on with after=%d\r\n" % after
    return orjson.dumps({"complete": is_complete, "after": after}) + b"\n"
