"""Middleware for the admin only: an API request has no session, form, language cookie or message.

These are subclasses of Django's, so that Django's system checks still find what the admin needs.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from coupons.admin.login import sessions
from coupons.api import translations

ADMIN = "/admin/"


class AdminOnly:
    """Mixin: the middleware is skipped for every path outside the admin."""

    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(ADMIN):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class AdminSession(AdminOnly, SessionMiddleware):
    def process_response(self, request: HttpRequest, response: Any) -> Any:
        sessions.extend_session(request)
        return super().process_response(request, response)


class AdminLocale(AdminOnly, LocaleMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        """Chooses the language as the API does: Django's parser ignores a refusal by `q=0`."""
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        accepted = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
        supported = dict(settings.LANGUAGES)
        language = chosen if chosen in supported else translations.language_of(accepted)
        translation.activate(language)
        request.LANGUAGE_CODE = language

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Resets the language: the thread's next request may be for the API, which sets none."""
        response = super().process_response(request, response)
        translation.deactivate()
        return response


class AdminCsrf(AdminOnly, CsrfViewMiddleware):
    def process_view(self, request: HttpRequest, *view: Any) -> Any:
        if request.path_info.startswith(ADMIN):
            return super().process_view(request, *view)
        return None


class AdminAuthentication(AdminOnly, AuthenticationMiddleware):
    pass


class AdminMessages(AdminOnly, MessageMiddleware):
    pass


class AdminFrameOptions(AdminOnly, XFrameOptionsMiddleware):
    pass
