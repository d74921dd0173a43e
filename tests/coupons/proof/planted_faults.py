"""Faults that the database's constraints make impossible, planted into a copy without them.

The copy is a temporary table of the coupons' own name: this connection alone sees it, in the
table's place. A copy made by SELECT has the rows and no constraint.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from coupons.models import Coupon

TABLE = Coupon._meta.db_table
_IN_TEMP = "temp." if connection.vendor == "sqlite" else ""


@contextmanager
def unprotected_coupons() -> Iterator[None]:
    run_sql(f"CREATE TEMPORARY TABLE planted AS SELECT * FROM {TABLE}")
    run_sql(f"CREATE TEMPORARY TABLE {TABLE} AS SELECT * FROM planted")
    try:
        yield
    finally:
        run_sql(f"DROP TABLE {_IN_TEMP}{TABLE}")
        run_sql(f"DROP TABLE {_IN_TEMP}planted")


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
