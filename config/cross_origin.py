"""Cross-origin requests (CORS): pages of which other origins may read the API's answers.

`config.wsgi` puts this outermost, and only if CORS_ORIGINS names origins: errors that Django never
sees (503 of the shedder, 500 of the guard) must be readable for the shop's page, too. An answer
names the caller's origin and never `*`, and allows no credentials: a token is sent by the page, so
no cookie is needed.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from config.doors import Door

METHODS = "GET, POST, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, If-None-Match"
EXPOSED_HEADERS = "Coupon-Outcome, Retry-After, X-Request-Id, ETag"
MAX_AGE_S = 7200  # how long a browser may remember a preflight; Chromium caps it there

DOORS = (Door.USERS, Door.ALL)  # whose answers pages of other origins may read

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
Headers = list[tuple[str, str]]

_VARY = [("Vary", "Origin")]
_ALLOWED = "Access-Control-Allow-Origin"


class CrossOrigin:
    """WSGI middleware: adds CORS headers to answers of `behind` for these origins, `Vary: Origin`
    to all, and answers preflights by itself: 204 to these origins, 403 to others."""

    def __init__(self, behind: Application, origins: Sequence[str]) -> None:
        self._behind = behind
        self._headers_by_origin = {origin: _answer_headers(origin) for origin in origins}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        origin: str = environ.get("HTTP_ORIGIN", "")
        if environ["REQUEST_METHOD"] == "OPTIONS" and is_preflight(environ):
            return self._answer_preflight(origin, start)
        added = self._headers_by_origin.get(origin, _VARY)

        def start_with_headers(status: str, headers: Headers, *exc_info: Any) -> Any:
            # An answer for any site, as the button's script is, names the caller's origin once.
            kept = [one for one in headers if added is _VARY or one[0] != _ALLOWED]
            return start(status, [*kept, *added], *exc_info)

        return self._behind(environ, start_with_headers)

    def _answer_preflight(self, origin: str, start: Start) -> Iterable[bytes]:
        if origin in self._headers_by_origin:
            start("204 No Content", _preflight_headers(origin))
        else:
            start("403 Forbidden", [("Content-Length", "0"), *_VARY])
        return [b""]


def is_preflight(environ: Environ) -> bool:
    """Whether an OPTIONS request is a browser's question before a cross-origin request."""
    return "HTTP_ORIGIN" in environ and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def _answer_headers(origin: str) -> Headers:
    return [
        (_ALLOWED, origin),
        ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
        *_VARY,
    ]


def _preflight_headers(origin: str) -> Headers:
    return [
        (_ALLOWED, origin),
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", REQUEST_HEADERS),
        ("Access-Control-Max-Age", str(MAX_AGE_S)),
        *_VARY,
    ]


# Which texts are origins

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])"
    r"(:(?P<port>[1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def origin_complaint(text: str) -> str:
    """Why a browser never sends exactly this text as its Origin; empty if it may."""
    parts = _ORIGIN.fullmatch(text)
    if not parts:
        return (
            f"{text!r} is not an origin as browsers send it: scheme://host or scheme://host:port, "
            "in lower case, without a path, a slash at its end, or a wildcard."
        )
    if parts["port"] == _DEFAULT_PORTS[parts["scheme"]]:
        return f"{text!r} has the scheme's own port, which browsers leave out."
    if parts["port"] and int(parts["port"]) > 65_535:
        return f"{text!r} has no such port."
    return ""
