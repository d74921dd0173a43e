"""Classification of SQL driver errors: temporary, lock conflict, missing table, refused row."""

from django.db import DataError, Error, IntegrityError, InterfaceError

from coupons.errors import DatabaseAway

# Error numbers of MySQL and MariaDB for temporary failures. Any other error (an unknown column, a
# value of a wrong type) would come again on a retry: it is a bug and must be reported as one.
_AWAY = frozenset({
    1205, 1213,  # a conflict with another transaction's locks
    3, 28, 1021, 1026, 1030, 1114,  # the disk is full, or failing
    1037, 1038, 1041, 1135,  # out of memory, or of threads
    1040, 1203, 1226,  # too many connections, in all or of our user
    1042, 1043, 1047, 1129, 1130,  # the handshake failed, or our host is blocked after many errors
    1044, 1045, 1049, 1698,  # access denied: credentials are being rotated, a restore is under way
    1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927,  # shut down, or cut off
    1180, 1181, 1598, 1784, 1785,  # the transaction, or its binary log, could not be completed
    1290, 1792, 1836,  # read-only: we are still connected to a former primary
    1317, 1907, 1969, 3024, 4031,  # the statement or the idle connection was ended by a time limit
    2000, 2001, 2002, 2003, 2004, 2005, 2006, 2012, 2013, 2026, 2055,  # no connection, or lost
    3100, 3101, 3168, 3169,  # a replica or a plug-in refused the commit; the session was killed
})  # fmt: skip
# Of those, lock conflicts: a lock held for long by another transaction, a statement that waited too
# long for it. The server itself is available.
_LOCK_CONFLICT = frozenset({1205, 1213, 1317, 1969, 3024, 3572})
# Errors caused by the row itself, although the driver calls them operational.
_ROW_REFUSED = frozenset({1265, 1292, 1366, 1406, 1411, 1644})
# SQLite has messages only, no numbers.
_SQLITE_AWAY = (
    "database is locked", "database table is locked", "unable to open database file",
    "disk i/o error", "database or disk is full", "readonly database",
)  # fmt: skip
# Errors without a reply from the server.
_NO_REPLY = frozenset({2002, 2003, 2004, 2005, 2006, 2012, 2013, 2055})


def _code_of(error: BaseException) -> int | str:
    """The number, or SQLite's message; "" of an exception that no driver has raised."""
    code = error.args[0] if error.args else ""
    return code if isinstance(code, int | str) else ""


def is_silent(error: BaseException) -> bool:
    """Whether there was no reply: connection refused or lost, or a timeout."""
    return isinstance(error, Error) and _code_of(error) in _NO_REPLY


def is_in_the_way(away: DatabaseAway) -> bool:
    """Whether it was a lock conflict with another transaction; other rows may well be free."""
    error = away.__cause__
    return error is not None and _code_of(error) in _LOCK_CONFLICT


def is_away(error: BaseException) -> bool:
    """Whether the failure is temporary: the same statement may succeed later."""
    code = _code_of(error)
    if isinstance(error, InterfaceError) or code in _AWAY:
        return True
    return isinstance(code, str) and any(text in code.lower() for text in _SQLITE_AWAY)


def lacks_tables(error: BaseException) -> bool:
    """Whether a table or a column is missing: migrations were not run."""
    code = _code_of(error)
    return code in (1054, 1146) or str(code).startswith(("no such table", "no such column"))


def refuses_row(error: BaseException) -> bool:
    """Whether the database refused a row: a violated constraint, or a value out of range."""
    if isinstance(error, IntegrityError | DataError):
        return True
    return _code_of(error) in _ROW_REFUSED
