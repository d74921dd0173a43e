"""The pages between a right password and the admin: enrolling an authenticator app, and the code
that each login asks for. Before a code was right, the session opens nothing else.
"""

import django_otp
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from coupons.admin.login import enrolment, lockout, second_factor
from coupons.admin.login.known_browser import remember_browser
from coupons.admin.login.login_log import log_change, log_login
from coupons.admin.login.refusals import refusal_page
from coupons.models import Act
from coupons.observability.metrics import Login


def awaits_code(request: HttpRequest) -> bool:
    """Logged in by the password alone, where a code is asked for as well."""
    user = request.user
    is_operator = user.is_authenticated and user.is_active and user.is_staff
    return bool(is_operator and not second_factor.is_satisfied(request))


def code_redirect(request: HttpRequest) -> HttpResponse:
    """To the page that asks for a code, or for the enrolment; it goes on where this request led."""
    question = urlencode({"next": next_page(request)})
    return HttpResponseRedirect(f"{reverse('operator-code')}?{question}")


def next_page(request: HttpRequest) -> str:
    """Where the login leads; a page of ours, whatever the address says."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours and wanted.isprintable() else reverse("admin:index")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code_page(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User) or not awaits_code(request):
        return HttpResponseRedirect(next_page(request))
    if not second_factor.has_device(user):
        if not enrolment.is_invited(request, user):
            return _needs_link(request)
        return _enrolment(request, user)
    if request.method != "POST":
        return _ask_for_code(request, user)
    try:
        source = lockout.count_code(request, user)
    except lockout.Refusal as refusal:
        log_login(Login.CODE_REFUSED, user.get_username(), request)
        return refusal_page(refusal)
    device = second_factor.verify_code(user, request.POST.get("code", ""))
    if device is None:
        log_login(Login.CODE_WRONG, user.get_username(), request)
        return _ask_for_code(request, user, wrong=True)
    lockout.forget_source(source)
    if second_factor.is_recovery(device):
        left = second_factor.codes_left(user)
        log_change(
            Act.RECOVERY_CODE,
            f"a recovery code was used, {left} are left",
            user.get_username(),
            request,
        )
    response = HttpResponseRedirect(next_page(request))
    return _let_in(request, response, user, device)


def _enrolment(request: HttpRequest, user: User) -> HttpResponse:
    """Show the key until a code confirms it, then the recovery codes: in the answer to that
    code, and never again."""
    if request.method != "POST":
        return _show_key(request, user)
    try:
        source = lockout.count_code(request, user)
    except lockout.Refusal as refusal:
        log_login(Login.CODE_REFUSED, user.get_username(), request)
        return refusal_page(refusal)
    device = enrolment.confirm_candidate(request, user, request.POST.get("code", ""))
    if device is None:
        log_login(Login.CODE_WRONG, user.get_username(), request)
        return _show_key(request, user, wrong=True)
    lockout.forget_source(source)
    log_change(Act.FACTOR_ADDED, "a second factor was set up", user.get_username(), request)
    codes = second_factor.make_recovery_codes(user)
    context = {"codes": codes, "next": next_page(request)}
    return _let_in(request, render(request, "admin/recovery_codes.html", context), user, device)


def _let_in(
    request: HttpRequest, response: HttpResponse, user: User, device: object
) -> HttpResponse:
    django_otp.login(request, device)
    # Who has seen, or planted, what the half-open session had, has nothing of it.
    request.session.cycle_key()
    rotate_token(request)
    log_login(Login.CODE_RIGHT, user.get_username(), request)
    remember_browser(request, response, user)
    return response


def _needs_link(request: HttpRequest) -> HttpResponse:
    context = {"name": request.user.get_username()}
    return render(request, "admin/operator_needs_link.html", context, status=403)


def _ask_for_code(request: HttpRequest, user: User, *, wrong: bool = False) -> HttpResponse:
    """It says since when there is a second factor, and from where: whoever did not set it up sees
    that somebody else did."""
    context = {
        "wrong": wrong, "next": next_page(request), "name": user.get_username(),
        "device": second_factor.enrolled_device(user),
    }  # fmt: skip
    return render(request, "admin/operator_code.html", context)


def _show_key(request: HttpRequest, user: User, *, wrong: bool = False) -> HttpResponse:
    device = enrolment.candidate_device(request, user)
    context = {
        "wrong": wrong, "next": next_page(request), "name": user.get_username(),
        "key": second_factor.key_text(device),
    }  # fmt: skip
    return render(request, "admin/operator_enrol.html", context)


@never_cache
def key_picture(request: HttpRequest) -> HttpResponse:
    """The QR code of a key that no code has confirmed yet."""
    user = request.user
    if not isinstance(user, User) or not awaits_code(request) or second_factor.has_device(user):
        raise Http404
    if not enrolment.is_invited(request, user):
        raise Http404
    picture = second_factor.key_picture(enrolment.candidate_device(request, user))
    return HttpResponse(picture, content_type="image/svg+xml")
