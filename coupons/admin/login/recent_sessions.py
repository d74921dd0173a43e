"""Who may go on looking at figures while MySQL, which has the sessions and rights, does not answer.

A process remembers the sessions that it has lately let see campaigns, by a hash of their key, until
each would have ended by itself. One that was not seen for KEPT_S, while MySQL answered others, is
forgotten: it may have been ended elsewhere. While MySQL is away nobody can log in, and whoever
looks can't do anything.
"""

import time
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest

from coupons.admin.login import sessions
from coupons.runtime import ProcessState

KEPT_S = 60.0
MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class _Session:
    """By the monotonic clock, in seconds."""

    seen_s: float
    until_s: float


_kept: ProcessState[dict[bytes, _Session]] = ProcessState(dict)


def remember_session(request: HttpRequest) -> None:
    """After MySQL has said that this session may see campaigns."""
    now_s, kept = time.monotonic(), _kept.current
    for key, session in list(kept.items()):
        if session.seen_s < now_s - KEPT_S:
            kept.pop(key, None)
    if len(kept) < MOST_KEPT and (left_s := sessions.left_s(request) or 0) > 0:
        kept[_key_of(request)] = _Session(now_s, now_s + left_s)


def forget_session(request: HttpRequest) -> None:
    """After MySQL has said that it may not."""
    _kept.current.pop(_key_of(request), None)


def is_remembered(request: HttpRequest) -> bool:
    """Asks no store."""
    session = _kept.current.get(_key_of(request))
    return session is not None and time.monotonic() < session.until_s


def _key_of(request: HttpRequest) -> bytes:
    return sha256(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "").encode()).digest()
