"""Which servers the tests may empty: only those that they started themselves.

Such a server has a mark: a Redis the name of its dump file, a database an empty table in the schema
that its URL names. Without the mark nothing is flushed and no test database is created (creating
one drops a database of the same name).
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

import MySQLdb
import redis

_MARK = "disposable_test_server"
REDIS_OPTIONS = ("--dbfilename", f"{_MARK}.rdb")
_PATIENCE_S = 5


class NotOurs(RuntimeError):
    """A server without the mark: `str(error)` names it, without its password."""


def empty_redis(client: redis.Redis) -> None:
    """FLUSHALL. Raises NotOurs, and nothing is flushed, if the tests did not start this Redis."""
    demand_redis(client)
    client.flushall()


def demand_redis(client: redis.Redis) -> None:
    if not _carries_the_mark(client):
        where = client.connection_pool.connection_kwargs
        raise NotOurs(f"The Redis at {where.get('host')}:{where.get('port')}")


def _carries_the_mark(client: redis.Redis) -> bool:
    try:
        return REDIS_OPTIONS[1] in str(client.config_get("dbfilename"))
    except redis.RedisError:
        return False


def mark_database(url: str) -> None:
    """Mark a server that the caller has just started."""
    if not _is_file(url):
        with closing(_connection(url)) as connection:
            connection.cursor().execute(f"CREATE TABLE IF NOT EXISTS {_MARK} (id INT PRIMARY KEY)")


def demand_database(url: str) -> None:
    """Raises NotOurs. SQLite needs no mark: its test database is a file of this test run."""
    if _is_file(url):
        return
    try:
        with closing(_connection(url)) as connection:
            connection.cursor().execute(f"SELECT * FROM {_MARK}")
    except MySQLdb.Error:
        where = urlsplit(url)
        raise NotOurs(f"The database at {where.hostname}:{where.port or 3306}") from None


def demand_marks(environment: Mapping[str, str]) -> None:
    """Raises NotOurs if REDIS_URL, CELERY_BROKER_URL or DATABASE_URL names a server without the
    mark."""
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        if url := environment.get(name):
            with redis.Redis.from_url(url, socket_timeout=_PATIENCE_S) as client:
                demand_redis(client)
    demand_database(environment["DATABASE_URL"])


def _is_file(url: str) -> bool:
    return urlsplit(url).scheme == "sqlite"


def _connection(url: str) -> Any:
    parts = urlsplit(url)
    return MySQLdb.connect(
        host=parts.hostname, port=parts.port or 3306, user=unquote(parts.username or ""),
        passwd=unquote(parts.password or ""), db=parts.path[1:], connect_timeout=_PATIENCE_S,
    )  # fmt: skip
