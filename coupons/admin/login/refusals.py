"""The page of a refused login attempt, with its reason."""

from math import ceil

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.admin.login.lockout import Refusal, Why


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
