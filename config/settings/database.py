"""MySQL (or MariaDB, or SQLite on a laptop) from one `DATABASE_URL`."""

from typing import Any

import dj_database_url

from config import env, store_urls

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Seconds a statement may take before its client gives up on it. Each process may have its own: a
# migration of a large table needs more, a web process could do with less.
DATABASE_TIMEOUT_S = env.integer("DATABASE_TIMEOUT_S", 10, low=1, high=86_400)
# Threads of one process that may be in the database at once; the others find a thread for claims.
DATABASE_MOST_AT_ONCE = env.integer("DATABASE_MOST_AT_ONCE", 12, low=1)


def session_options(timeout_s: int) -> str:
    """In UTC: the server's own zone may have an hour that comes twice, and its clock decides when
    direct campaigns open. Strict: a value that does not fit is an error, never a silently shortened
    one. Bounded: no lock is waited for longer than a drain may wait for a batch, and what our
    client would give up on, the server ends a little before, lest it work on for nobody. MySQL
    (whose limit is for SELECT) and MariaDB have different names for that; each takes the other's
    for a comment.

    A client that vanished without a word (a host lost, a half-open connection) can't let go of its
    locks: the server ends its session when it has been silent for longer than any of us is. By
    default that takes eight hours, and every drain that meets those locks fails meanwhile."""
    ends_s = 0.9 * timeout_s
    return (
        "SET time_zone='+00:00', sql_mode='TRADITIONAL'"
        f", innodb_lock_wait_timeout={min(5, timeout_s)}"
        f", wait_timeout={timeout_s + 2}"
        f" /*!50708 , max_execution_time={ends_s * 1000:.0f} */"
        f" /*M!100101 , max_statement_time={ends_s} */"
    )


_MYSQL: dict[str, Any] = {
    "charset": "utf8mb4",
    "connect_timeout": 3,  # seconds, as the next two: a hung server is an error, not a hung worker
    "read_timeout": DATABASE_TIMEOUT_S,
    "write_timeout": DATABASE_TIMEOUT_S,
    "init_command": session_options(DATABASE_TIMEOUT_S),
    # No read-then-write decides anything here, the unique keys do; fewer gap locks, no deadlocks.
    "isolation_level": "read committed",
}
_SQLITE: dict[str, Any] = {
    "timeout": 10,  # seconds to wait for the one writer
    "transaction_mode": "IMMEDIATE",  # take the write lock at BEGIN, so that none is lost midway
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def from_url(url: str) -> dict[str, Any]:
    """Django's description of one database, with the options its kind needs."""
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    extra = _MYSQL if database["ENGINE"].endswith("mysql") else _SQLITE
    database["OPTIONS"] = extra | database.get("OPTIONS", {})
    if extra is _MYSQL:
        # A server's own default may be latin1, which has no Korean.
        database["TEST"] = {"CHARSET": "utf8mb4"}
    database["CONN_MAX_AGE"] = (
        60  # seconds; with the check below an idle, cut connection is replaced
    )
    database["CONN_HEALTH_CHECKS"] = True
    return database


_LAPTOP_URL = store_urls.sqlite_url(env.var_folder() / "coupons.sqlite3")

DATABASES = {"default": from_url(env.store_url("DATABASE_URL", local=_LAPTOP_URL))}
