"""The doors of a site. Each web process serves one of them, on a port of its own, so that what one
door is flooded with costs the others no thread.

    users       the users' API; public
    operators   admin, API docs, health and metrics; never public

`all` serves both from one process. It is for tests, benches and `manage.py`: `config.wsgi` refuses
it in production.
"""

from collections.abc import Sequence
from enum import StrEnum


class Door(StrEnum):
    USERS = "users"
    OPERATORS = "operators"
    ALL = "all"


URLCONFS = {
    Door.USERS: "config.urls.users",
    Door.OPERATORS: "config.urls.operators",
    Door.ALL: "config.urls",
}

# What no user of the API needs: a session, a form, a cookie, a file, a probe.
_OPERATORS_ONLY = ("config.probes.", "config.middleware.", "whitenoise.")


def middleware_for(door: Door, every: Sequence[str]) -> list[str]:
    """Of the site's middleware, what this door's requests pass through."""
    if door is not Door.USERS:
        return list(every)
    return [name for name in every if not name.startswith(_OPERATORS_ONLY)]
