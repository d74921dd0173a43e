"""The database's clock, in milliseconds since the Unix epoch."""

from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Func

from coupons.database.availability import require_database

_NOW_MS = {
    "mysql": "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
}


class NowMs(Func):
    """The database's clock at the moment of evaluation, in milliseconds since the Unix epoch."""

    output_field = BigIntegerField()

    def as_mysql(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return _NOW_MS["mysql"], ()

    def as_sqlite(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return _NOW_MS["sqlite"], ()


def now_ms() -> int:
    """The database's clock, in milliseconds since the Unix epoch. Raises DatabaseAway."""
    with require_database(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {_NOW_MS[connection.vendor]}")
        return int(cursor.fetchone()[0])
