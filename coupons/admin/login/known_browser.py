"""Known browsers: a browser in which this user has logged in before is counted separately, so that
attempts from elsewhere can't lock it out.

A cookie marks it for half a year, for one user in that browser. It is signed with the password's
hash, so that a new password invalidates it, and with SECRET_KEY, so that it can't be forged. It
grants no access: the password is still required, and wrong ones are counted.
"""

import re
import secrets

from django.contrib.auth.models import User
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

AGE_S = 180 * 24 * 3600
_BROWSER = re.compile(r"[\w-]{16}")


def browser_of(request: HttpRequest | None, user: User | None) -> str:
    """The id of a browser in which this user has logged in; empty if this is none."""
    if request is None or user is None:
        return ""
    try:
        browser = _signer(user).unsign(request.COOKIES.get(_name(user), ""), max_age=AGE_S)
    except BadSignature:
        return ""
    return browser if _BROWSER.fullmatch(browser) else ""


def remember_browser(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Set the cookie. A known browser keeps its id, so that its counts remain."""
    browser = browser_of(request, user) or secrets.token_urlsafe(12)
    response.set_cookie(
        _name(user), _signer(user).sign(browser), max_age=AGE_S, path=reverse("admin:index"),
        secure=True, httponly=True, samesite="Strict",
    )  # fmt: skip


def _name(user: User) -> str:
    """The cookie's name, one per user: operators may share a browser."""
    return f"known_browser_{user.pk}"


def _signer(user: User) -> TimestampSigner:
    return TimestampSigner(salt=f"coupons.known_browser {user.pk} {user.password}")
