"""The admin site: behaviour common to all its pages."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext as _

from coupons.admin.attempts import why_page
from coupons.admin.login import second_factor, sessions
from coupons.admin.refusal_page import refusal_page

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def nothing_done(request: HttpRequest, page: str, *arguments: object) -> HttpResponse:
    """Answer a GET of a button's URL, as after a login: redirect with a warning."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["POST"])
    if request.method == "GET":
        messages.warning(request, _("Nothing was done: please press the button again."))
    return redirect(page, *arguments)


class OperatorSite(admin.AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        """For every page and poll: an operator who has given a code in this session."""
        return super().has_permission(request) and second_factor.is_satisfied(request)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Warn an operator whose POST is lost because the session has ended, and name the missing
        right to one who is refused."""
        guarded = super().admin_view(view, cacheable)

        def warn_if_logged_out(
            request: HttpRequest, *arguments: Any, **named: Any
        ) -> HttpResponseBase:
            logging_out = request.path == reverse("admin:logout")
            if logging_out and request.method == "POST" and request.user.is_authenticated:
                return self.logout(request)  # also before a code was given
            if request.method == "POST" and not self.has_permission(request) and not logging_out:
                text = _("You are not logged in, so nothing was done. Log in and do it again.")
                messages.warning(request, text)
            try:
                return guarded(request, *arguments, **named)
            except PermissionDenied as denied:
                return refusal_page(self, request, denied)

        return cast(View, update_wrapper(warn_if_logged_out, guarded))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [
            path("coupons/why/", self.admin_view(why_page.why_view), name="why"),
            path("session/", self.admin_view(self.session_view), name="session"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        lasts = {
            "session_left_s": sessions.left_s(request),
            "session_warned_s": sessions.warned_s(),
        }
        return super().each_context(request) | lasts

    def home_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the home page shows beside the list of models; `registration` sets it, because its
        module stands above this one."""
        return {}

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().index(request, self.home_context(request) | (extra_context or {}))

    def session_view(self, request: HttpRequest) -> HttpResponse:
        """Seconds until the session ends, and the current CSRF token for the page's forms."""
        left_s = sessions.left_s(request)
        return JsonResponse({"left_s": left_s, "csrf_token": get_token(request)})

    def logout(  # type: ignore[override] # Django answers with redirects, too
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return nothing_done(request, "admin:index")
        return super().logout(request, extra_context)
