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
from django_otp.middleware import OTPMiddleware

from config.security_headers import PAGE_POLICY
from coupons.admin.login import sessions
from coupons.admin.visible_text import visible_text
from coupons.api import translations

ADMIN = "/admin/"
DOCS = "/api/v1/docs"


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


class PagePolicy:
    """Lets the operators' pages load our own files; all other answers load nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self._get_response(request)
        if request.path_info.startswith((ADMIN, DOCS)):
            response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        return response


class AdminVerifiedOperator(AdminOnly, OTPMiddleware):  # type: ignore[misc] # untyped
    """`request.user.is_verified()`: by a second factor, in this session."""


def visible_text_middleware(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], Any]:
    """On every page of the admin, what strangers wrote is shown letter by letter."""

    def show_letters(request: HttpRequest) -> Any:
        response = get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and request.path_info.startswith(ADMIN) and not response.streaming:
            response.content = visible_text(response.content.decode()).encode()
        return response

    return show_letters
