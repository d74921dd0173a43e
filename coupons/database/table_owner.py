"""The database user who may change tables.

The user that the service has may read and write rows, and change no table (role `database`). Where
MIGRATIONS_DATABASE_URL is set, the commands that change tables act as the user that it names.
"""

from django.conf import settings
from django.db import connection


def become_owner() -> None:
    """From now on this process's connection is the owner's. Without the setting nothing changes."""
    if owner := settings.MIGRATIONS_DATABASE:
        connection.close()
        connection.settings_dict.update(USER=owner["USER"], PASSWORD=owner["PASSWORD"])
