"""Django's WSGI handler with a cheaper request cycle for the API; its answers are Django's own.

For a claim, two parts of the cycle cost much and do little:

- The signals `request_started` and `request_finished`. Their default receivers close unusable
  connections to the database, caches, and the URL configuration, which the next request sets
  anyway. An API request does that work without the signals. If anything else receives one of
  them, both are sent.
- The resolver, which tries one regular expression after the other. Matches are remembered by path.
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_script_name
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections, reset_queries
from django.dispatch import Signal
from django.http import HttpResponseBase
from django.urls import ResolverMatch, get_resolver, set_script_prefix, set_urlconf
from django.utils.log import log_response

from config.api_lane import API, build_lane, is_in_lane
from coupons.claims.hot_settings import settings as hot_settings

logger = logging.getLogger(__name__)
_request_logger = logging.getLogger("django.request")

Environ = dict[str, Any]
Start = Callable[..., Any]

# (receiver, sender), as `Signal` identifies them. `reset_queries` clears a log that only DEBUG has.
_ANY_SENDER = id(None)
# Sets: their order is that of Django's imports, which differs between programs.
_STARTED = {(id(known), _ANY_SENDER) for known in (reset_queries, close_old_connections)}
_FINISHED = {
    (id(known), _ANY_SENDER) for known in (close_old_connections, close_caches, reset_urlconf)
}


class RequestCycle(WSGIHandler):
    """The WSGI application that serves Django."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        self._lane = build_lane(self._get_response)  # type: ignore[attr-defined]
        self._below = False  # whether a request came whose SCRIPT_NAME is not empty

    def __call__(self, environ: Environ, start_response: Start) -> Any:
        if not environ["PATH_INFO"].startswith(API) or not _only_django_receives():
            return super().__call__(environ, start_response)
        self._set_script_prefix(environ)
        _close_old_connections()
        response: Any = self.get_response(WSGIRequest(environ))
        start_response(f"{response.status_code} {response.reason_phrase}", _headers(response))
        if response.streaming:
            response._handler_class = type(self)
            return response  # its `close` sends `request_finished`
        _close_resources(response)
        _close_old_connections()
        return [response.content]

    def _set_script_prefix(self, environ: Environ) -> None:
        """As Django, for which "/" is the default of a thread."""
        name = _script_name(environ)
        if name or self._below:
            self._below = True
            set_script_prefix(name)

    def get_response(self, request: Any) -> Any:
        """As Django's, without preparing the log lines of refusals, which nobody writes."""
        if self._lane is not None and is_in_lane(request.path_info):
            response = self._lane(request)  # by ROOT_URLCONF: none of its middleware sets another
        else:
            set_urlconf(settings.ROOT_URLCONF)
            response = self._middleware_chain(request)  # type: ignore[attr-defined]
        response._resource_closers.append(request.close)
        if response.status_code >= (400 if _request_logger.isEnabledFor(logging.WARNING) else 500):
            details = (response.reason_phrase, request.path)
            log_response("%s: %s", *details, response=response, request=request)
        return response

    def resolve_request(self, request: Any) -> ResolverMatch:
        if hasattr(request, "urlconf") or not request.path_info.startswith(API):
            return super().resolve_request(request)
        find = _match_of if len(request.path_info) <= LONGEST_KEPT else _match_of.__wrapped__
        request.resolver_match = match = find(hot_settings.ROOT_URLCONF, request.path_info)
        return match


LONGEST_KEPT = 200  # characters of a path; a longer one names no campaign of ours


@lru_cache(maxsize=1000)  # paths: those of claims are few
def _match_of(urlconf: str, path: str) -> ResolverMatch:
    """Raises Resolver404, which is not remembered."""
    return get_resolver(urlconf).resolve(path)


def _script_name(environ: Environ) -> str:
    if hot_settings.FORCE_SCRIPT_NAME is None and not any(map(environ.get, _SCRIPT_NAMES)):
        return ""
    name: str = get_script_name(environ)
    return name


_SCRIPT_NAMES = ("SCRIPT_NAME", "SCRIPT_URL", "REDIRECT_URL")


def _close_old_connections() -> None:
    """As Django's, without making objects for connections that this thread does not have."""
    for alias in connections.settings:
        known = getattr(connections._connections, alias, None)  # type: ignore[attr-defined]
        if known is not None and known.connection is not None:
            known.close_if_unusable_or_obsolete()


def _only_django_receives() -> bool:
    return _receivers(request_started) == _STARTED and _receivers(request_finished) == _FINISHED


def _receivers(signal: Signal) -> set[Any]:
    return {receiver[0] for receiver in signal.receivers}


def _headers(response: HttpResponseBase) -> list[tuple[str, str]]:
    headers = list(response.headers._store.values())
    if response.cookies:
        headers += [("Set-Cookie", one.output(header="")) for one in response.cookies.values()]
    return headers


def _close_resources(response: Any) -> None:
    """As `response.close()` does, without its signal."""
    for closer in response._resource_closers:
        try:
            closer()
        except Exception:  # the answer has been made
            logger.exception("a resource of a request could not be closed")
    response._resource_closers.clear()
    response.closed = True
