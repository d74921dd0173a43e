"""Read-only access to the database named by `DATABASE_URL`."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from verdict import Row

try:
    import MySQLdb
except ImportError:  # a laptop without MySQL's headers; then the site uses SQLite as well
    MySQLdb = None

_ROWS = (
    "SELECT coupon.user, coupon.place, coupon.code FROM coupons_coupon coupon"
    " JOIN coupons_campaign campaign ON campaign.id = coupon.campaign_id WHERE campaign.slug = {}"
)
_COUNT = (
    "SELECT COUNT(*) FROM coupons_coupon coupon"
    " JOIN coupons_campaign campaign ON campaign.id = coupon.campaign_id WHERE campaign.slug = {}"
)


def stored_rows(url: str, slug: str) -> list[Row]:
    with _reading(url) as ask:
        return [Row(_text(u), int(p), _text(c)) for u, p, c in ask(_ROWS, slug)]


def count_stored(url: str, slug: str) -> int:
    with _reading(url) as ask:
        return int(ask(_COUNT, slug)[0][0])


Ask = Callable[[str, str], list[tuple[Any, ...]]]


@contextmanager
def _reading(url: str) -> Iterator[Ask]:
    connection, mark = _open(url)
    with closing(connection):

        def run_query(sql: str, slug: str) -> list[tuple[Any, ...]]:
            cursor = connection.cursor()
            cursor.execute(sql.format(mark), (slug,))
            return list(cursor.fetchall())

        yield run_query


def _open(url: str) -> tuple[Any, str]:
    """A read-only connection, and its driver's parameter placeholder."""
    parts = _parts(url)
    if parts.scheme == "sqlite":
        file = quote(unquote(parts.path[1:]))
        return sqlite3.connect(f"file:{file}?mode=ro", uri=True), "?"
    connection = MySQLdb.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        passwd=unquote(parts.password or ""),
        db=unquote(parts.path[1:]),
        charset="utf8mb4",
    )
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone='+00:00'")  # as on the site's connections
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
    return connection, "%s"


def _parts(url: str) -> SplitResult:
    """Raises RuntimeError instead of the parser's error, whose message contains the password."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        raise RuntimeError("DATABASE_URL: percent-encode what stands in its password.") from None
    return parts


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
