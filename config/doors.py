"""The doors of a site: groups of endpoints. Each web process serves one door on its own port, so
that a flood at one door takes no thread from the others.

    users       the users' API; public
    merchants   the merchants' API, for shops' backends
    operators   admin, API docs, health and metrics; never public

`all` serves all of them from one process. It is for tests, benches and `manage.py`: `config.wsgi`
refuses it in production.
"""

from collections.abc import Sequence
from enum import StrEnum


class Door(StrEnum):
    USERS = "users"
    MERCHANTS = "merchants"
    OPERATORS = "operators"
    ALL = "all"


URLCONFS = {
    Door.USERS: "config.urls.users",
    Door.MERCHANTS: "config.urls.merchants",
    Door.OPERATORS: "config.urls.operators",
    Door.ALL: "config.urls",
}

# Middleware that no caller of an API needs: sessions, forms, cookies, static files, probes.
_OPERATORS_ONLY = ("config.probes.", "config.middleware.", "config.admin_metrics.", "whitenoise.")


def middleware_for(door: Door, every: Sequence[str]) -> list[str]:
    """The middleware of this door, in the order of `every`."""
    if door not in (Door.USERS, Door.MERCHANTS):
        return list(every)
    return [name for name in every if not name.startswith(_OPERATORS_ONLY)]
