"""A longer idle timeout for the database sessions of a test or benchmark. The server ends the
product's own idle sessions after some seconds (`DATABASE_TIMEOUT_S`)."""

from typing import Any

from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def allow_silence(connection: Any, **_: Any) -> None:
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET wait_timeout = 3600")
