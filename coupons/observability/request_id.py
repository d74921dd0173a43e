"""The request id: in every log line about a request, and returned to the client.

Taken from the client's `X-Request-Id` if valid, else made here: a random prefix of this process and
a counter, which is cheaper than a random id for each request.
"""

import os
import re
import secrets
from contextvars import ContextVar
from itertools import count

_is_valid = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch  # can't forge a log line
_current: ContextVar[str] = ContextVar("request_id", default="")
_process, _numbers = secrets.token_hex(5), count(1)


def _reset_after_fork() -> None:
    """In a forked child: a new prefix, or it would repeat its parent's ids."""
    global _process, _numbers
    _process, _numbers = secrets.token_hex(5), count(1)


os.register_at_fork(after_in_child=_reset_after_fork)


def begin_request(client_id: str | None) -> str:
    """Set and return the id of the request that begins in this thread. An invalid or missing one
    is replaced."""
    request_id = (
        client_id if client_id and _is_valid(client_id) else f"{_process}-{next(_numbers):x}"
    )
    _current.set(request_id)
    return request_id


def end_request() -> None:
    """Clear the id: log lines from here on belong to no request."""
    _current.set("")


def current_request_id() -> str:
    """The id of the current request; "" outside of one."""
    return _current.get()
