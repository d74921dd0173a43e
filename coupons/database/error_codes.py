"""What an error of the SQL driver means: away for now, in the way, or a row that is refused."""

from django.db import DataError, IntegrityError, InterfaceError

from coupons.errors import DatabaseAway

# By number, what MySQL and MariaDB say when they can't now and may well later. Everything else (an
# unknown column, a value of a wrong kind) would be the same the next time: a fault of ours, which
# must be heard as one.
_AWAY = frozenset({
    1205, 1213,  # another transaction was in the way
    3, 28, 1021, 1026, 1030, 1114,  # the disk is full, or ill
    1037, 1038, 1041, 1135,  # out of memory, or of threads
    1040, 1203, 1226,  # too many connections, of all or of ours
    1042, 1043, 1047, 1129, 1130,  # the handshake failed, or we are locked out for too many errors
    1044, 1045, 1049, 1698,  # no entry: credentials are being rotated, a restore is under way
    1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927,  # shut down, or cut off
    1180, 1181, 1598, 1784, 1785,  # the transaction, or its binary log, could not be completed
    1290, 1792, 1836,  # read-only: we still speak to a former primary
    1317, 1907, 1969, 3024, 4031,  # the statement, or the idle connection, was ended for its age
    2000, 2001, 2002, 2003, 2004, 2005, 2006, 2012, 2013, 2026, 2055,  # no connection, or lost
    3100, 3101, 3168, 3169,  # a replica or a plug-in refused the commit; the session was killed
})  # fmt: skip
# Of those, what one transaction does to others: a lock that is held for long, a statement that
# waited too long for it. The server is well.
_IN_THE_WAY = frozenset({1205, 1213, 1317, 1969, 3024, 3572})
# Of these the row itself is the reason, though the driver calls them operational.
_ROW = frozenset({1265, 1292, 1366, 1406, 1411, 1644})
# SQLite has words only.
_SQLITE_AWAY = (
    "database is locked", "database table is locked", "unable to open database file",
    "disk i/o error", "database or disk is full", "readonly database",
)  # fmt: skip
# Of these, the ones that say nobody answered.
_SILENT = frozenset({2002, 2003, 2004, 2005, 2006, 2012, 2013, 2055})


def is_silent(error: BaseException | None) -> bool:
    """Whether nobody answered: refused, cut off, or no word in time."""
    return bool(error and error.args and error.args[0] in _SILENT)


def is_in_the_way(away: DatabaseAway) -> bool:
    """Whether rows were locked by another transaction; other rows may well be free."""
    error = away.__cause__
    return bool(error and error.args and error.args[0] in _IN_THE_WAY)


def is_away(error: BaseException) -> bool:
    """Whether the same statement may well succeed later, without anybody changing our code."""
    said = error.args[0] if error.args else ""
    if isinstance(error, InterfaceError) or said in _AWAY:
        return True
    return isinstance(said, str) and any(words in said.lower() for words in _SQLITE_AWAY)


def lacks_tables(error: BaseException) -> bool:
    """Whether a table or a column is not there: migrations were not run."""
    said = error.args[0] if error.args else ""
    return said in (1054, 1146) or str(said).startswith(("no such table", "no such column"))


def refuses_row(error: BaseException) -> bool:
    """Whether a row of the statement is what the database doesn't take."""
    if isinstance(error, IntegrityError | DataError):
        return True
    return bool(error.args) and error.args[0] in _ROW
