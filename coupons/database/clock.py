"""The database's clock, in milliseconds since the Unix epoch."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, DateTimeField, Func

from coupons.claims.timestamps import moment_of
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


class Now(Func):
    """The database's clock at the beginning of the statement, as an aware moment in UTC."""

    output_field = DateTimeField()

    def as_mysql(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return "NOW(6)", ()

    def as_sqlite(self, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')", ()


def read_now() -> datetime:
    """The database's clock, in UTC. Raises DatabaseAway."""
    return moment_of(now_ms())


def now_ms() -> int:
    """The database's clock, in milliseconds since the Unix epoch. Raises DatabaseAway."""
    with require_database(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {_NOW_MS[connection.vendor]}")
        return int(cursor.fetchone()[0])
