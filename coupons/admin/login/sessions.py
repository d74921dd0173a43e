"""Sliding sessions: an operator's session ends SESSION_COOKIE_AGE after its last use.

Pages that poll (the live panel every second, a board every five) mark these requests by a header:
they do not count as use. Otherwise an unattended screen would stay logged in for ever. A page warns
before its session ends, and one click extends it.
"""

import time

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from coupons.database import availability, clock

POLL = "X-Poll"  # header of polling requests
USED_AT = "used_at"  # key in the session: last recorded use, Unix seconds
RENEWED_EVERY_S = 60  # at most: a session is a row, not to be written at every click
WARNED_S = 300  # before the end
REMOVED_AT_ONCE = 1_000  # rows of ended sessions, in a statement


def extend_session(request: HttpRequest) -> None:
    """Record a use of the session, if this request is one of a logged-in person."""
    is_left = vars(request).get("leaves_session", False)
    if not is_left and request.session.accessed and _is_due(request):
        request.session[USED_AT] = time.time()


def leave_session(request: HttpRequest) -> None:
    """Record no use: MySQL, which has the session, does not answer."""
    vars(request)["leaves_session"] = True


def remove_ended_sessions() -> int:
    """Delete the rows of sessions that have ended, REMOVED_AT_ONCE at most. Returns how many.
    Safe in parallel. Raises DatabaseAway."""
    with availability.require_database():
        ended = Session.objects.filter(expire_date__lt=clock.read_now()).order_by("expire_date")
        keys = list(ended.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
        deleted, _by_model = Session.objects.filter(pk__in=keys).delete()
    return deleted


def left_s(request: HttpRequest) -> int | None:
    """Seconds until the session ends; None: not logged in, or logged in by an older release that
    recorded no use."""
    used_at = time.time() if _is_due(request) else _used_at(request)
    return None if used_at is None else int(used_at + settings.SESSION_COOKIE_AGE - time.time())


def _is_due(request: HttpRequest) -> bool:
    if POLL in request.headers or SESSION_KEY not in request.session:
        return False
    used_at = _used_at(request)
    renewed_every_s = min(RENEWED_EVERY_S, settings.SESSION_COOKIE_AGE / 10)
    return used_at is None or time.time() - used_at >= renewed_every_s


def warned_s() -> int:
    return min(WARNED_S, settings.SESSION_COOKIE_AGE // 2)


def _used_at(request: HttpRequest) -> float | None:
    used_at = request.session.get(USED_AT)
    return used_at if isinstance(used_at, int | float) else None
