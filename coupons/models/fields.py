"""Column types that Django lacks."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class ExactField(models.CharField):  # type: ignore[type-arg] # not subscriptable at run time
    """Text compared byte by byte.

    Every utf8mb4 collation that MySQL and MariaDB share ignores trailing spaces or case, which
    would treat two users as one; VARBINARY keeps them apart. `max_length` is in bytes.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return f"varbinary({self.max_length})"
        return super().db_type(connection)

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else value

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        if connection.vendor == "mysql" and isinstance(value, str):
            return value.encode()
        return value
