"""MySQL (or MariaDB, or SQLite on a laptop) from one `DATABASE_URL`."""

from typing import Any

import dj_database_url

from config import env, store_urls
from config.doors import Door

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Seconds until the client gives up on a statement. Each process may have its own value: migrating
# a large table needs more, a web process could use less.
DATABASE_TIMEOUT_S = env.integer("DATABASE_TIMEOUT_S", 10, low=1, high=86_400)
# Threads of one process that may use the database at once; the others stay free for claims.
DATABASE_MOST_AT_ONCE = env.integer("DATABASE_MOST_AT_ONCE", 12, low=1)


# A shop's checkout must not wait for long: another request holds the coupon for milliseconds.
_LOCK_WAIT_S = 1 if env.choice("DOOR", Door, default=Door.ALL) is Door.MERCHANTS else 5


def session_options(timeout_s: int) -> str:
    """The SQL that begins a session. In UTC: the server's own zone may have an hour that comes
    twice, and its clock decides when direct campaigns open. Strict: a value that does not fit is
    an error, never silently truncated. Bounded: a lock wait ends after 5 s at most (as long as a
    drain may wait for a batch; 1 s at the merchants' door), and the server aborts a statement a
    little before our client gives up on it, so that it does not run on without a client. MySQL
    (whose limit is for SELECT) and MariaDB have different names for that; each reads the other's
    as a comment.

    A client that is gone without closing its connection (a lost host, a half-open connection) does
    not release its locks: the server ends its session when it was idle for longer than any of ours
    is. By default that takes eight hours, in which every drain that needs those locks fails."""
    ends_s = 0.9 * timeout_s
    return (
        "SET time_zone='+00:00', sql_mode='TRADITIONAL'"
        f", innodb_lock_wait_timeout={min(_LOCK_WAIT_S, timeout_s)}"
        f", wait_timeout={timeout_s + 2}"
        f" /*!50708 , max_execution_time={ends_s * 1000:.0f} */"
        f" /*M!100101 , max_statement_time={ends_s} */"
    )


_MYSQL: dict[str, Any] = {
    "charset": "utf8mb4",
    "connect_timeout": 3,  # seconds, as the next two: a hung server is an error, no hung worker
    "read_timeout": DATABASE_TIMEOUT_S,
    "write_timeout": DATABASE_TIMEOUT_S,
    "init_command": session_options(DATABASE_TIMEOUT_S),
    # Unique keys decide, never a read before a write. Fewer gap locks, no deadlocks.
    "isolation_level": "read committed",
}
_SQLITE: dict[str, Any] = {
    "timeout": 10,  # seconds to wait for the one writer
    "transaction_mode": "IMMEDIATE",  # take the write lock at BEGIN, not in mid-transaction
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def from_url(url: str) -> dict[str, Any]:
    """An entry of Django's DATABASES, with the options that this kind of database needs."""
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    extra = _MYSQL if database["ENGINE"].endswith("mysql") else _SQLITE
    database["OPTIONS"] = extra | database.get("OPTIONS", {})
    if extra is _MYSQL:
        # A server's own default may be latin1, which has no Korean.
        database["TEST"] = {"CHARSET": "utf8mb4"}
    database["CONN_MAX_AGE"] = (
        60  # seconds; the check below replaces a connection that was cut while idle
    )
    database["CONN_HEALTH_CHECKS"] = True
    return database


_LAPTOP_URL = store_urls.sqlite_url(env.var_folder() / "coupons.sqlite3")

DATABASES = {"default": from_url(env.store_url("DATABASE_URL", local=_LAPTOP_URL))}

# The user who owns the tables, for `manage.py migrate` only: user and password of it are used, and
# DATABASE_URL's server and schema. Empty: DATABASE_URL's user migrates as well.
_OWNER_URL = env.optional_store_url("MIGRATIONS_DATABASE_URL")
MIGRATIONS_DATABASE = from_url(_OWNER_URL) if _OWNER_URL else None

# The operators' door has django-prometheus' metrics of connections and statements. They cost each
# statement a new class: too much for a direct claim, and for the drain, which have our own
# (`coupons.database.query_metrics`).
_COUNTED = {
    f"django.db.backends.{kind}": f"django_prometheus.db.backends.{kind}"
    for kind in ("mysql", "sqlite3")
}
if env.choice("DOOR", Door, default=Door.ALL) is Door.OPERATORS:
    DATABASES["default"]["ENGINE"] = _COUNTED[DATABASES["default"]["ENGINE"]]
