"""The id that follows one request through every log line about it and back to the client.

From the client's `X-Request-Id` if it is a sound one, or made here: a random word of this process
and a number, which is cheaper than randomness for each.
"""

import os
import re
import secrets
from contextvars import ContextVar
from itertools import count

_SOUND = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch  # nothing that could forge a log line
_current: ContextVar[str] = ContextVar("request_id", default="")
_process, _numbers = secrets.token_hex(5), count(1)


def _renew() -> None:
    """In a forked child: it would go on with its parent's ids."""
    global _process, _numbers
    _process, _numbers = secrets.token_hex(5), count(1)


os.register_at_fork(after_in_child=_renew)


def begin_request(said: str | None) -> str:
    """The id of the request that begins in this thread."""
    request = said if said and _SOUND(said) else f"{_process}-{next(_numbers):x}"
    _current.set(request)
    return request


def end_request() -> None:
    """What is logged from here on belongs to no request."""
    _current.set("")


def current_request_id() -> str:
    """Empty outside of a request."""
    return _current.get()
