"""Headers that tell browsers what an answer of ours may not do; on every answer of every door.

`config.wsgi` puts `SecurityHeaders` outermost: answers that Django never sees (503 of the shedder,
500 of the guard, preflights) have the headers as well. A header that a view has set is kept: pages
with scripts have a policy of their own. An answer that says nothing of caches must not be stored:
404s, redirects and errors outside of views may tell who asked for what.
"""

from collections.abc import Callable, Iterable
from typing import Any

# For answers that are no pages: whatever is in them, a browser that is led to one runs and loads
# nothing, and nobody shows it in a frame.
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# For pages of operators: files of ours only, no inline code. `data:` is for Swagger's pictures.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
ALWAYS = [
    ("Content-Security-Policy", DATA_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
Headers = list[tuple[str, str]]


class SecurityHeaders:
    """WSGI middleware: adds to each answer of `behind` those headers that it lacks. `hsts`, the
    value of Strict-Transport-Security, is for answers to requests that came by HTTPS; empty:
    none."""

    def __init__(self, behind: Application, *, hsts: str = "") -> None:
        self._behind = behind
        self._by_https = [*ALWAYS, ("Strict-Transport-Security", hsts)] if hsts else ALWAYS

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        always = self._by_https if came_by_https(environ) else ALWAYS

        def start_with_headers(status: str, headers: Headers, *exc_info: Any) -> Any:
            own = {name for name, _ in headers}
            added = [header for header in always if header[0] not in own]
            return start(status, headers + added, *exc_info)

        return self._behind(environ, start_with_headers)


def came_by_https(environ: Environ) -> bool:
    """As Django's `request.is_secure` by SECURE_PROXY_SSL_HEADER: the balancer sets the header, and
    what it says counts, whatever the connection is."""
    told = environ.get("HTTP_X_FORWARDED_PROTO")
    if told is None:
        return bool(environ["wsgi.url_scheme"] == "https")
    return bool(told == "https" or told.split(",", 1)[0].strip() == "https")


def strict_transport(seconds: int, *, subdomains: bool, preload: bool) -> str:
    """The value of Strict-Transport-Security; empty for 0 seconds."""
    if not seconds:
        return ""
    words = [
        f"max-age={seconds}",
        *(["includeSubDomains"] if subdomains else []),
        *(["preload"] if preload else []),
    ]
    return "; ".join(words)
