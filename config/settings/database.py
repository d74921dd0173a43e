"""MySQL (or MariaDB, or SQLite on a laptop) from one `DATABASE_URL`."""

from typing import Any

import dj_database_url

from config import env

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Strict: a value that does not fit is an error, never a silently shortened one. Bounded: no
# statement of ours waits longer for a lock than a drain may wait for a batch.
_MYSQL_SESSION = "SET sql_mode='TRADITIONAL', innodb_lock_wait_timeout=5"

_MYSQL: dict[str, Any] = {
    "charset": "utf8mb4",
    "connect_timeout": 3,  # seconds, as the next two: a hung server is an error, not a hung worker
    "read_timeout": 10,
    "write_timeout": 10,
    "init_command": _MYSQL_SESSION,
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


_LAPTOP_FILE = env.var_folder() / "coupons.sqlite3"

DATABASES = {"default": from_url(env.text("DATABASE_URL", local=f"sqlite:///{_LAPTOP_FILE}"))}
