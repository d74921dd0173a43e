"""Error responses: problem documents (RFC 9457) with a stable `code`. All of them are made here."""

import logging
import random
import sys
import time
from functools import lru_cache
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils import translation
from django.utils.translation import gettext, gettext_noop
from django.views import defaults
from rest_framework.exceptions import APIException

from coupons.api import translations
from coupons.database import error_codes
from coupons.errors import (
    BadKey,
    BodyTooLarge,
    CouponError,
    DatabaseAway,
    DependencyAway,
    MissingKey,
    StoreFailure,
)
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


# Code and title for DRF's own exceptions, by status.
CODES = {
    400: ("bad_input", "The request is not understood"),
    403: ("forbidden", "This is not allowed"),
    404: ("not_found", "There is nothing here"),
    405: ("method_not_allowed", "The method is not allowed here"),
    406: ("not_acceptable", "No such representation"),
    415: ("unsupported_media_type", "Only application/json is understood"),
    429: ("too_many_requests", "Too many requests"),
    500: ("failure", "The request failed"),
}


# Their messages name hosts, users, statements and ids of keys: for the log, not for users.
_INTERNAL_ERRORS = (StoreFailure, DatabaseAway, MissingKey)
_ASK_AGAIN = "Please try again in a moment. Asking again is safe."


def problem_document(
    status: int, code: str, title: str, detail: str = "", **more: object
) -> dict[str, object]:
    body: dict[str, object] = {
        "type": f"urn:coupon:problem:{code}", "title": title, "status": status, "code": code,
    }  # fmt: skip
    if detail:
        body["detail"] = detail
    return body | more


MOST_DETAIL = 500  # characters


@lru_cache(maxsize=256)  # a refusal is the same document a hundred thousand times
def encoded_problem(status: int, code: str, title: str, detail: str) -> bytes:
    return orjson.dumps(problem_document(status, code, title, detail))


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str = "",
    *,
    retry_after_s: int | None = None,
    **more: object,
) -> HttpResponse:
    """A problem document as a response; `more` are further members of it. A detail is cut at
    MOST_DETAIL: it may repeat what a stranger sent, and documents are cached by their detail."""
    detail = detail[:MOST_DETAIL]
    body = (
        encoded_problem(status, code, title, detail)
        if not more
        else orjson.dumps(problem_document(status, code, title, detail, **more))
    )
    response = HttpResponse(body, status=status, content_type=MEDIA_TYPE)
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    return response


def handle_exception(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler. Returns None for an unexpected exception: a 500 and a traceback."""
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge(str(error))
    if isinstance(error, CouponError):
        return error_response(error)
    if isinstance(error, Http404):
        return problem_response(404, *CODES[404])
    if isinstance(error, PermissionDenied):
        return problem_response(403, *CODES[403])
    if isinstance(error, APIException):
        code, title = CODES.get(error.status_code, CODES[500])
        response = problem_response(error.status_code, code, title, str(error.detail))
        if error.status_code == 405:
            response["Allow"] = ", ".join(context["view"].allowed_methods)
        return response
    return None


_last_logged: ProcessState[dict[str, int]] = ProcessState(dict)  # second, by error code


def _log_once_a_second(error: CouponError) -> None:
    """Log at most one line per second and code: an outage has tens of thousands of these errors,
    and the metrics count them all."""
    second, last_logged = int(time.monotonic()), _last_logged.current
    if last_logged.get(error.code) != second:
        last_logged[error.code] = second
        logger.warning("%s: %s", error.code, error)


def jittered_wait_s(wait_s: int | None) -> int | None:
    """Retry-After with jitter, 1 to 3 times `wait_s`, so that clients refused at the same time do
    not return at the same time. None (or 0) stays as it is."""
    return wait_s and random.randint(wait_s, 3 * wait_s)


def error_response(error: CouponError) -> HttpResponse:
    away = isinstance(error, DependencyAway | MissingKey)
    if away:
        _log_once_a_second(error)
    response = problem_response(
        error.status,
        error.code,
        error.title,
        _ASK_AGAIN if isinstance(error, _INTERNAL_ERRORS) else str(error),
        retry_after_s=jittered_wait_s(error.retry_after_s) if away else error.retry_after_s,
        **error.extra(),
    )
    if error.status == 401:
        response["WWW-Authenticate"] = "Api-Key" if isinstance(error, BadKey) else "Bearer"
    return response


# Django's own 404 and 500, outside of any view


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_admin_page(request):
        return defaults.page_not_found(request, exception)
    if _is_for_operators_browser(request):
        return _operators_page(request, "404.html", 404)
    return _problem_of_status(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for 500. A database that is unreachable, in code that does not translate its
    errors (sessions, the admin), becomes a 503."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseAway) or (error and error_codes.is_away(error)):
        return _without_database(request, error)
    if _is_admin_page(request):
        return defaults.server_error(request)
    return _problem_of_status(request, 500)


def _without_database(request: HttpRequest, error: BaseException) -> HttpResponse:
    away = DatabaseAway(f"Database: {error}")
    if not _is_admin_page(request):
        return _translate(request, error_response(away))
    _log_once_a_second(away)
    return _page_without_database(request, jittered_wait_s(away.retry_after_s))


def _page_without_database(request: HttpRequest, wait_s: int | None) -> HttpResponse:
    """Loads itself again if it was only looked at. After a POST it does nothing by itself: what was
    typed is behind the browser's "back". The language is chosen here: where the session failed, no
    middleware has chosen one, or it is unset again."""
    is_posted = request.method not in ("GET", "HEAD")
    content = {"address": request.get_full_path(), "wait_s": wait_s, "is_posted": is_posted}
    language = translations.page_language(request)
    with translation.override(language):
        page = render_to_string("503.html", content)  # with the request it would query the user
    response = HttpResponse(page, status=503)
    response["Retry-After"], response["Content-Language"] = str(wait_s), language
    response["X-Dependency-Away"] = DatabaseAway.dependency  # for pages that poll
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for 400, also for forms beyond its bounds: their page says which."""
    is_large = isinstance(exception, RequestDataTooBig)
    if _is_admin_page(request) or _is_for_operators_browser(request):
        status = 413 if is_large else 400
        return _operators_page(request, "400.html", status, cause=_cause_of(exception))
    if is_large:
        return _translate(request, error_response(BodyTooLarge()))
    return _problem_of_status(request, 400)


def _cause_of(exception: Exception) -> str:
    """In English; the template translates it. Empty: nothing that helps."""
    if isinstance(exception, RequestDataTooBig):
        return gettext_noop("The form was larger than this site takes.")
    if isinstance(exception, TooManyFieldsSent):
        return gettext_noop("The form had more fields than this site takes.")
    return ""


def _operators_page(
    request: HttpRequest, template: str, status: int, *, cause: str = ""
) -> HttpResponse:
    language = translations.page_language(request)
    with translation.override(language):
        page = render_to_string(template, {"cause": gettext(cause) if cause else ""})
    headers = {"Content-Language": language, "Content-Security-Policy": _PAGE_POLICY}
    return HttpResponse(page, status=status, headers=headers)


# For our style sheet; the admin's own pages have a wider one.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def _is_for_operators_browser(request: HttpRequest) -> bool:
    """Whether a person looks at an address of the operators' door that is no program's."""
    if request.path_info.startswith("/api/") or not is_valid_path("/admin/"):
        return False
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


def _is_admin_page(request: HttpRequest) -> bool:
    """Whether to respond with a page: under /admin/, at a door that has it. Else JSON."""
    return request.path_info.startswith("/admin/") and bool(is_valid_path("/admin/"))


def _problem_of_status(request: HttpRequest, status: int) -> HttpResponse:
    document = problem_document(status, *CODES[status])
    return _translate(request, JsonResponse(document, status=status, content_type=MEDIA_TYPE))


def _translate(request: HttpRequest, problem: HttpResponse) -> HttpResponse:
    translations.translate_problem(problem, request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    return problem
