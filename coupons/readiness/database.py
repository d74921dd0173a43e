"""Checks of MySQL: it answers, is durable and strict, and allows enough connections."""

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from coupons.database import availability
from coupons.monitoring import server_checks
from coupons.readiness.result import Line, amber, green, red

CONNECTIONS_AMBER = 0.8  # of max_connections


def database_lines() -> list[Line]:
    """Raises DatabaseAway."""
    with availability.require_database():
        connection.ensure_connection()
    return [durability_line(), time_zone(), connections_line()]


def durability_line() -> Line:
    """The worst of what `manage.py check --tag stores` reports about MySQL."""
    messages = server_checks.check_mysql()
    if not messages:
        return green("durable", _("The database is strict and keeps what it commits."))
    worst = max(messages, key=lambda message: message.level)
    make = red if worst.is_serious() else amber
    return make("durable", str(worst.msg), str(worst.hint))


def time_zone() -> Line:
    """The time zone of our own sessions; the server's does not matter."""
    messages = server_checks.check_mysql_time_zone()
    if not messages:
        return green("time_zone", _("The database tells us the time in UTC."))
    return red("time_zone", str(messages[0].msg), str(messages[0].hint))


def connections_line() -> Line:
    """The planned connections against the server's maximum. Raises DatabaseAway."""
    name, planned = "connections", _planned()
    if connection.vendor != "mysql":
        return green(name, _("A file: there is no limit of connections."))
    with availability.require_database():
        maximum, used = _variable("max_connections"), _status("Threads_connected")
    seen = _("{planned} planned of {most} ({used} open now).").format(
        planned=planned, most=maximum, used=used
    )
    do = _(
        "Take a larger database class, fewer hosts, or fewer threads; the plan is in"
        " PLANNED_API_HOSTS and PLANNED_CONSUMER_HOSTS."
    )
    if planned > maximum:
        return red(name, seen, do)
    return amber(name, seen, do) if planned > CONNECTIONS_AMBER * maximum else green(name, seen)


def _planned() -> int:
    """Connections of all planned hosts: each thread that uses the database keeps its own."""
    return int(
        settings.PLANNED_API_HOSTS * settings.CONNECTIONS_PER_API_HOST
        + settings.PLANNED_CONSUMER_HOSTS * settings.CONNECTIONS_PER_CONSUMER_HOST
    )


def _variable(name: str) -> int:
    return _number("SHOW VARIABLES LIKE %s", name)


def _status(name: str) -> int:
    return _number("SHOW STATUS LIKE %s", name)


def _number(statement: str, name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return int(cursor.fetchone()[1])
