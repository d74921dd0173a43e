"""Sessions that may be silent for long: a test's or a bench's own. The product's are ended by the
server after some seconds (`DATABASE_TIMEOUT_S`)."""

from typing import Any

from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def allow_silence(connection: Any, **_: Any) -> None:
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET wait_timeout = 3600")
