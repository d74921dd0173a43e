"""The request id: in every log line about a request, and returned to the client.

Taken from the client's `X-Request-Id` if valid, else made here: a random prefix of this process and
a counter, which is cheaper than a random id for each request.
"""

import re
import secrets
from contextvars import ContextVar
from itertools import count

from coupons.runtime import ProcessState

# Ids that our own processes give: a claim put back by reconcile, a line of a job. No client's.
PUT_BACK = "put-back"
_OURS = rf"{PUT_BACK}\Z|[0-9a-f]{{32}}\.[0-9]+\Z"
# Can't forge a log line.
_is_valid = re.compile(rf"(?!{_OURS})[A-Za-z0-9._-]{{1,64}}").fullmatch
_current: ContextVar[str] = ContextVar("request_id", default="")


class _Ids:
    __slots__ = ("numbers", "prefix")

    def __init__(self) -> None:
        self.prefix, self.numbers = secrets.token_hex(5), count(1)


# A forked child gets a new prefix, or it would repeat its parent's ids.
_ids = ProcessState(_Ids, anew_after_fork=True)


def begin_request(client_id: str | None) -> str:
    """Set and return the id of the request that begins in this thread. An invalid or missing one
    is replaced, and one of the form that only our own processes give."""
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
