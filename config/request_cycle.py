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
from django.db import close_old_connections, reset_queries
from django.dispatch import Signal
from django.http import HttpResponseBase
from django.urls import ResolverMatch, get_resolver, set_script_prefix

API = "/api/"

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Start = Callable[..., Any]

# (receiver, sender), as `Signal` identifies them. `reset_queries` clears a log that only DEBUG has.
_ANY_SENDER = id(None)
_STARTED = [(id(known), _ANY_SENDER) for known in (reset_queries, close_old_connections)]
_FINISHED = [
    (id(known), _ANY_SENDER) for known in (close_old_connections, close_caches, reset_urlconf)
]


class RequestCycle(WSGIHandler):
    """The WSGI application that serves Django."""

    def __call__(self, environ: Environ, start_response: Start) -> Any:
        if not environ["PATH_INFO"].startswith(API) or not _only_django_receives():
            return super().__call__(environ, start_response)
        set_script_prefix(get_script_name(environ))
        close_old_connections()
        response: Any = self.get_response(WSGIRequest(environ))
        start_response(f"{response.status_code} {response.reason_phrase}", _headers(response))
        if response.streaming:
            response._handler_class = type(self)
            return response  # its `close` sends `request_finished`
        _close_resources(response)
        close_old_connections()
        return [response.content]

    def resolve_request(self, request: Any) -> ResolverMatch:
        if hasattr(request, "urlconf") or not request.path_info.startswith(API):
            return super().resolve_request(request)
        request.resolver_match = match = _match_of(settings.ROOT_URLCONF, request.path_info)
        return match


@lru_cache(maxsize=1000)  # paths: those of claims are few; a path of 2 kB is the longest
def _match_of(urlconf: str, path: str) -> ResolverMatch:
    """Raises Resolver404, which is not remembered."""
    return get_resolver(urlconf).resolve(path)


def _only_django_receives() -> bool:
    return _receivers(request_started) == _STARTED and _receivers(request_finished) == _FINISHED


def _receivers(signal: Signal) -> list[Any]:
    return [receiver[0] for receiver in signal.receivers]


def _headers(response: HttpResponseBase) -> list[tuple[str, str]]:
    cookies = (("Set-Cookie", one.output(header="")) for one in response.cookies.values())
    return [*response.items(), *cookies]


def _close_resources(response: Any) -> None:
    """As `response.close()` does, without its signal."""
    for closer in response._resource_closers:
        try:
            closer()
        except Exception:  # the answer has been made
            logger.exception("a resource of a request could not be closed")
    response._resource_closers.clear()
    response.closed = True
