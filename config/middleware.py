"""Middleware of the admin only: an API request has no session, form, language cookie or message.

Subclasses, so that Django's own checks still find what the admin needs.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

ADMIN = "/admin/"


class AdminOnly:
    """Steps aside for every path outside the admin."""

    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(ADMIN):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class AdminSession(AdminOnly, SessionMiddleware):
    pass


class AdminLocale(AdminOnly, LocaleMiddleware):
    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """The thread's next request may be one of the API, which chooses no language."""
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
