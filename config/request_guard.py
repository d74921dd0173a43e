"""Outermost WSGI middleware: what Django must not see of a request, and failures that escape it.

Django looks up the codec that a Content-Type names, for any method and path. Python keeps every
name that it does not know for the life of the process (16 kB a request by a stranger), and a codec
that is no encoding of text (`rot13`) raises outside of Django's handlers. Nothing here reads a
charset: JSON and forms are UTF-8, and no page sends multipart. So only the media type is passed on.
"""

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

from coupons.api import problems
from coupons.observability import metrics

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

logger = logging.getLogger(__name__)
_STATUS = "500 Internal Server Error"


class RequestGuard:
    """Passes requests to `behind` without the parameters of their Content-Type. An exception of
    `behind` is logged, counted and answered with a problem document."""

    def __init__(self, behind: Application) -> None:
        self._behind = behind

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        declared = environ.get("CONTENT_TYPE")
        if declared and ";" in declared:
            environ["CONTENT_TYPE"] = declared.partition(";")[0].strip()
        try:
            return self._behind(environ, start)
        except Exception:
            logger.exception("a request failed outside of Django's handlers")
            return _failure(start)


def _failure(start: Start) -> list[bytes]:
    metrics.RESPONSES.labels("500").inc()
    body = problems.encoded_problem(500, "failure", "The request failed", "")
    headers = [("Content-Type", problems.MEDIA_TYPE), ("Content-Length", str(len(body)))]
    start(_STATUS, headers, sys.exc_info())
    return [body]
