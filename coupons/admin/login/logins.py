"""Django's login and password change pages, with lockout, and a reason for every refusal.

`config.urls.operators` has them before `admin.site.urls`. They can't be methods of our own site: it
would be created while this package, which registers with it, is being imported.
"""

from math import ceil

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.admin.login import lockout
from coupons.admin.login.known_browser import remember_browser
from coupons.admin.login.lockout import Refusal, Why


def login(request: HttpRequest) -> HttpResponse:
    response = admin.site.login(request)
    if refusal := lockout.refusal_of(request):
        return refusal_page(refusal)
    logged_in = request.method == "POST" and response.status_code == 302
    if logged_in and isinstance(request.user, User):
        remember_browser(request, response, request.user)
    return response


def change_password(request: HttpRequest) -> HttpResponse:
    """Count these checks too: in a browser left logged in, anyone could guess the old password."""
    page = admin.site.admin_view(admin.site.password_change, cacheable=True)
    user = request.user
    if request.method != "POST" or not isinstance(user, User):
        return page(request)
    try:
        with lockout.counted_check(request, user, user.get_username()):
            response = page(request)
    except Refusal as refusal:
        return refusal_page(refusal)
    if response.status_code == 302:
        lockout.forget_wrong_passwords(request)
    return response


def refusal_page(refusal: Refusal) -> HttpResponse:
    """A separate page: cheaper to render than the form, since a flood gets many of them."""
    context = {"title": _title(refusal.why), "when": _when(refusal.free_in_s)}
    page = render_to_string("admin/login_refused.html", context)
    response = HttpResponse(page, status=refusal.status)
    response["Retry-After"] = str(refusal.free_in_s)
    add_never_cache_headers(response)
    return response


def _title(why: Why) -> str:
    match why:
        case Why.WRONG:
            return _("Too many wrong passwords")
        case Why.ADDRESS:
            return _("Too many attempts to log in from your network")
        case Why.EVERYBODY:
            return _("Too many attempts to log in")
        case Why.BUSY:
            return _("Too many people are logging in at once")


def _when(seconds: int) -> str:
    if seconds <= 60:
        return ngettext(
            "Please try again in {count} second.", "Please try again in {count} seconds.", seconds
        ).format(count=seconds)
    minutes = ceil(seconds / 60)
    return ngettext(
        "Please try again in {count} minute.", "Please try again in {count} minutes.", minutes
    ).format(count=minutes)
