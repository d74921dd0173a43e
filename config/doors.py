"""The doors of a site: groups of endpoints. Each web process serves one door on its own port, so
that a flood at one door takes no thread from the others.

    users       the users' API; public
    merchants   the merchants' API, for shops' backends
    pages       the event pages and their files; public, at the same address as the users' API
    operators   admin, API docs, health and metrics; never public

`all` serves all of them from one process. It is for tests, benches and `manage.py`: `config.wsgi`
refuses it in production.
"""

from collections.abc import Sequence
from enum import StrEnum


class Door(StrEnum):
    USERS = "users"
    MERCHANTS = "merchants"
    PAGES = "pages"
    OPERATORS = "operators"
    ALL = "all"


URLCONFS = {
    Door.USERS: "config.urls.users",
    Door.MERCHANTS: "config.urls.merchants",
    Door.PAGES: "config.urls.pages",
    Door.OPERATORS: "config.urls.operators",
    Door.ALL: "config.urls.every",
}

# Middleware that only operators need: probes, sessions, forms, cookies, the admin's static files.
_OPERATORS_ONLY = ("config.probes.", "config.middleware.", "config.admin_metrics.", "whitenoise.")
# Who operators and merchants are, for the audit log.
_AUDITED = ("coupons.audit.",)
_PAGES_ONLY = ("config.page_files.",)
_LEFT_OUT = {
    Door.USERS: _OPERATORS_ONLY + _PAGES_ONLY + _AUDITED,
    Door.MERCHANTS: _OPERATORS_ONLY + _PAGES_ONLY,
    Door.PAGES: _OPERATORS_ONLY + _AUDITED,
    Door.OPERATORS: _PAGES_ONLY,
    Door.ALL: (),
}
# Apps of the operators' pages and of the API's description: memory, and time at every start.
_OPERATORS_APPS = (
    "coupons.apps.OperatorsAdminConfig", "django.contrib.sessions", "django.contrib.messages",
    "django_otp", "drf_spectacular",
)  # fmt: skip


def middleware_for(door: Door, every: Sequence[str]) -> list[str]:
    """The middleware of this door, in the order of `every`."""
    return [name for name in every if not name.startswith(_LEFT_OUT[door])]


def apps_for(door: Door, every: Sequence[str]) -> list[str]:
    """The installed apps of this door, in the order of `every`."""
    if door in (Door.OPERATORS, Door.ALL):
        return [*every]
    return [name for name in every if not name.startswith(_OPERATORS_APPS)]
