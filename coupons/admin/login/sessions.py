"""How long an operator's session lasts: as long as it is used, and SESSION_COOKIE_AGE longer.

Pages that look by themselves (the live panel every second, a board every five) say so in a header:
that is no use. A screen that nobody sits at would stay logged in for ever otherwise. It warns
before its session ends, and one click keeps it.
"""

import time

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

POLL = "X-Poll"  # the header of what a page asks by itself
USED_AT = "used_at"  # in the session: when it was last written as used, in seconds since the epoch
RENEWED_EVERY_S = 60  # at most: a session is a row, which not every click should write
WARNED_S = 300  # before the end


def extend_session(request: HttpRequest) -> None:
    """Begin the session's time anew, if this request was sent by a person who is logged in."""
    if request.session.accessed and _is_due(request):
        request.session[USED_AT] = time.time()


def left_s(request: HttpRequest) -> int | None:
    """Seconds until it ends, this request being use or not; None: nobody is logged in, or by an
    older release that noted nothing."""
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
    said = request.session.get(USED_AT)
    return said if isinstance(said, int | float) else None
