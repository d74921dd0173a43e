"""The request id: in every log line about a request, and returned to the client.

Taken from the client's `X-Request-Id` if valid, else made here: a random prefix of this process and
a counter, which is cheaper than a random id for each request.
"""

import re
import secrets
from contextvars import ContextVar
from itertools import count

from coupons.runtime import ProcessState

_is_valid = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch  # can't forge a log line
_current: ContextVar[str] = ContextVar("request_id", default="")


class _Ids:
    __slots__ = ("numbers", "prefix")

    def __init__(self) -> None:
        self.prefix, self.numbers = secrets.token_hex(5), count(1)


# A forked child gets a new prefix, or it would repeat its parent's ids.
_ids = ProcessState(_Ids, anew_after_fork=True)


def begin_request(client_id: str | None) -> str:
    """Set and return the id of the request that begins in this thread. An invalid or missing one
    is replaced."""
    if client_id and _is_valid(client_id):
        request_id = client_id
    else:
        ids = _ids.current
        request_id = f"{ids.prefix}-{next(ids.numbers):x}"
    _current.set(request_id)
    return request_id


def end_request() -> None:
    """Clear the id: log lines from here on belong to no request."""
    _current.set("")


def current_request_id() -> str:
    """The id of the current request; "" outside of one."""
    return _current.get()
