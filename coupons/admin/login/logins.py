"""Django's login and password change pages, with lockout, a second factor, and a reason for every
refusal.

`config.urls.operators` has them before `admin.site.urls`. They can't be methods of our own site: it
would be created while this package, which registers with it, is being imported.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from coupons.admin.login import enrolment, factor_pages, lockout
from coupons.admin.login.known_browser import remember_browser
from coupons.admin.login.lockout import Refusal
from coupons.admin.login.login_log import log_change
from coupons.admin.login.refusals import refusal_page
from coupons.models import Act


def login(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and factor_pages.awaits_code(request):
        return factor_pages.code_redirect(request)
    response = admin.site.login(request)
    if refusal := lockout.refusal_of(request):
        return refusal_page(refusal)
    logged_in = request.method == "POST" and response.status_code == 302
    if not logged_in or not isinstance(request.user, User):
        return response
    if factor_pages.awaits_code(request):  # a browser is known once a code was right
        return factor_pages.code_redirect(request)
    remember_browser(request, response, request.user)
    return response


def change_password(request: HttpRequest) -> HttpResponse:
    """Count these checks too: in a browser left logged in, anyone could guess the old password."""
    page = admin.site.admin_view(admin.site.password_change, cacheable=True)
    user = request.user
    may_change = isinstance(user, User) and admin.site.has_permission(request)
    if request.method != "POST" or not may_change or not isinstance(user, User):
        return page(request)
    try:
        with lockout.counted_check(request, user, user.get_username()):
            response = page(request)
    except Refusal as refusal:
        return refusal_page(refusal)
    if response.status_code == 302:
        lockout.forget_wrong_passwords(request)
        log_change(Act.PASSWORD, "a new password", user.get_username(), request)
    return response


class Invitation(PasswordResetConfirmView):
    """A link that `manage.py operator` prints: whoever follows it chooses the operator's password,
    once, within PASSWORD_RESET_TIMEOUT, and may set up the second factor in this session."""

    template_name = "admin/operator_invitation.html"
    success_url = reverse_lazy("admin:login")

    def form_valid(self, form: Any) -> HttpResponse:
        log_change(
            Act.PASSWORD, "a password by a one-time link", form.user.get_username(), self.request
        )
        response = super().form_valid(form)
        enrolment.invite_session(self.request, form.user)
        return response
