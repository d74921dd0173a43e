"""Reads and writes the rows of a coupon's life by statements that are made once per process.

A redemption has five statements and waits for one disk; Django's compiling of the five took longer
than all of that. Columns, values and converters are still those of the models' fields.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models.expressions import Expression

from coupons.database import clock
from coupons.models import Coupon, CouponLife
from coupons.redemption.states import STORED_COLUMNS, Life

_OF_COUPON = ("slot_id", "campaign_id", "user", "place", "expires_at", "code")
_OF_LIFE = tuple(sorted(STORED_COLUMNS))


class CouponRow(NamedTuple):
    """`now`: the database's clock when the statement began."""

    life: Life
    code: str
    now: datetime


class _Select(NamedTuple):
    sql: str
    converters: list[list[Callable[[Any], Any]]]  # of each column


def lock_slot(**coupon: Any) -> int | None:
    """Lock the coupon's row until the transaction ends. Returns its slot; None: there is none."""
    where, values = _where(coupon)
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.slot_id FROM {_COUPONS} c WHERE {where}{lock}", values)  # noqa: S608
        row = cursor.fetchone()
    return row[0] if row else None


def read_row(**coupon: Any) -> CouponRow | None:
    """The coupon with these values of its columns, and its life."""
    where, values = _where(coupon)
    select = _select(connection.vendor, connection.features.has_native_uuid_field)
    with connection.cursor() as cursor:
        cursor.execute(f"{select.sql} WHERE {where}", values)
        row = cursor.fetchone()
    if row is None:
        return None
    converted = [
        _convert(value, converters)
        for value, converters in zip(row, select.converters, strict=True)
    ]
    slot, campaign_id, user, place, expires_at, code, now, *stored = converted
    life = dict(zip(_OF_LIFE, stored, strict=True))
    if life["version"] is None:  # no row: issued
        life = {}
    return CouponRow(Life(slot, campaign_id, user, place, expires_at, **life), code, now)


def insert_row(row: models.Model) -> None:
    """As `row.save(force_insert=True)`, without signals."""
    sql, fields = _insert(type(row), connection.vendor)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


_COUPONS, _LIVES = Coupon._meta.db_table, CouponLife._meta.db_table


def _where(coupon: dict[str, Any]) -> tuple[str, list[Any]]:
    """A condition for columns of the coupon's row, by their fields' names or `pk`."""
    fields: list[Any] = [
        Coupon._meta.pk if name == "pk" else Coupon._meta.get_field(name) for name in coupon
    ]
    quote = connection.ops.quote_name
    conditions = [f"c.{quote(field.column)} = %s" for field in fields]
    values = [
        field.get_db_prep_value(value, connection)
        for field, value in zip(fields, coupon.values(), strict=True)
    ]
    return " AND ".join(conditions), values


@lru_cache(maxsize=4)
def _select(vendor: str, has_native_uuid: bool) -> _Select:
    by_attribute: dict[str, Any] = {field.attname: field for field in Coupon._meta.concrete_fields}
    of_life: dict[str, Any] = {field.attname: field for field in CouponLife._meta.concrete_fields}
    now = clock.Now()
    expressions: list[Expression] = [
        *(by_attribute[name].get_col("c") for name in _OF_COUPON),
        now,
        *(of_life[name].get_col("l") for name in _OF_LIFE),
    ]
    quote = connection.ops.quote_name
    names = [
        *(f"c.{quote(by_attribute[name].column)}" for name in _OF_COUPON),
        getattr(now, f"as_{vendor}")()[0],
        *(f"l.{quote(of_life[name].column)}" for name in _OF_LIFE),
    ]
    sql = (
        f"SELECT {', '.join(names)} FROM {_COUPONS} c"  # noqa: S608
        f" LEFT JOIN {_LIVES} l ON l.slot_id = c.slot_id"
    )
    return _Select(sql, [_converters(expression) for expression in expressions])


def _converters(expression: Expression) -> list[Callable[[Any], Any]]:
    found: list[Any] = [
        *connection.ops.get_db_converters(expression),
        *expression.get_db_converters(connection),
    ]
    return [partial(_call, one, expression) for one in found]


def _call(converter: Any, expression: Expression, value: Any) -> Any:
    return converter(value, expression, connection)


def _convert(value: Any, converters: list[Callable[[Any], Any]]) -> Any:
    for convert in converters:
        value = convert(value)
    return value


@lru_cache(maxsize=8)
def _insert(model: type[models.Model], vendor: str) -> tuple[str, list[Any]]:
    fields: list[Any] = list(model._meta.local_concrete_fields)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks})", fields  # noqa: S608
