"""The middleware of API requests as a short chain: what does nothing for them is left out, and what
does little is written out. Its answers are those of the whole chain (`tests/config`).

Of the nineteen middlewares most serve only operators and pages. For an API request each of them
costs two calls of Python, and so does Django's wrapper around it. `build_lane` makes the chain from
MIDDLEWARE. If a name in there is not known here, there is no lane: a middleware that is added later
can't be left out by mistake.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response, response_for_exception
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.module_loading import import_string

from config.request_context import request_context
from config.security_headers import came_by_https
from coupons.api.plain_response import set_plain_header
from coupons.claims.hot_settings import settings as hot_settings

Chain = Callable[[Any], Any]

API = "/api/"
# Merchants' requests are audited; the docs' pages have a policy of their own. (Where these names
# live, operators' code would be imported.)
_NOT_THESE = ("/api/v1/merchant/", "/api/v1/docs")

# What passes a request of the lane on, and its answer back, as they are.
DO_NOTHING = frozenset({
    "config.probes.answer_probes",
    "coupons.audit.requests.audit_requests",
    "config.admin_metrics.AdminRequestMetrics",
    "config.middleware.PagePolicy",
    "config.page_files.PageFiles",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.AdminSession",
    "config.middleware.AdminLocale",
    "config.middleware.AdminCsrf",
    "config.middleware.AdminAuthentication",
    "config.middleware.AdminVerifiedOperator",
    "config.middleware.AdminMessages",
    "config.middleware.AdminFrameOptions",
    "config.admin_metrics.AdminViewMetrics",
    "config.middleware.visible_text_middleware",
})  # fmt: skip
AS_THEY_ARE = frozenset({"config.tracing.web.trace_requests"})

logger = logging.getLogger(__name__)


def is_in_lane(path: str) -> bool:
    return path.startswith(API) and not path.startswith(_NOT_THESE)


def build_lane(get_response: Chain) -> Chain | None:
    """The chain around `get_response`, or None if MIDDLEWARE has a name that is not known here."""
    known = DO_NOTHING | AS_THEY_ARE | WRITTEN_OUT.keys()
    if unknown := [name for name in settings.MIDDLEWARE if name not in known]:
        logger.warning("API requests pass all middleware: %s is not known", ", ".join(unknown))
        return None
    chain = convert_exception_to_response(get_response)
    for name in reversed(settings.MIDDLEWARE):
        if name in WRITTEN_OUT:
            chain = WRITTEN_OUT[name](chain)
        elif name in AS_THEY_ARE:
            chain = convert_exception_to_response(import_string(name)(chain))
    return chain


def _check_host(chain: Chain) -> Chain:
    """Django's CommonMiddleware. A host that it has accepted is accepted again."""
    django_s = CommonMiddleware(chain)
    if settings.PREPEND_WWW or settings.DISALLOWED_USER_AGENTS:
        return convert_exception_to_response(django_s)
    hosts = _AcceptedHosts()

    def answer(request: Any) -> Any:
        try:
            hosts.check_host(request)
            response = chain(request)
            if response.status_code == 404:  # maybe a path without its slash
                return django_s.process_response(request, response)
        except Exception as error:
            return response_for_exception(request, error)
        if not response.streaming and "content-length" not in response.headers._store:
            set_plain_header(response, "Content-Length", str(len(response.content)))
        return response

    return answer


class _AcceptedHosts:
    """Host headers that `request.get_host()` has accepted under the ALLOWED_HOSTS of now."""

    MOST, LONGEST = 100, 255  # hosts; characters

    def __init__(self) -> None:
        self._allowed: Any = None
        self._accepted: set[str] = set()

    def check_host(self, request: Any) -> None:
        """Raises DisallowedHost."""
        allowed, host = hot_settings.ALLOWED_HOSTS, request.META.get("HTTP_HOST", "")
        if self._allowed is allowed and host in self._accepted:
            return
        request.get_host()
        if not host or len(host) > self.LONGEST or settings.USE_X_FORWARDED_HOST:
            return
        if self._allowed is not allowed or len(self._accepted) >= self.MOST:
            self._allowed, self._accepted = allowed, set()
        self._accepted.add(host)


def _redirect_to_https(chain: Chain) -> Chain:
    """Django's SecurityMiddleware. `config.security_headers` sets Strict-Transport-Security."""
    django_s = SecurityMiddleware(chain)
    if settings.SECURE_CONTENT_TYPE_NOSNIFF or settings.SECURE_REFERRER_POLICY:
        return convert_exception_to_response(django_s)
    if not django_s.redirect:
        return chain
    whole = convert_exception_to_response(django_s)

    def answer(request: Any) -> Any:
        return (chain if came_by_https(request.META) else whole)(request)

    return answer


# Of a middleware's name: makes what does the same for requests of the lane, around a chain.
WRITTEN_OUT: dict[str, Callable[[Chain], Chain]] = {
    "config.request_context.request_context": request_context,
    "django.middleware.security.SecurityMiddleware": _redirect_to_https,
    "django.middleware.common.CommonMiddleware": _check_host,
}
