"""The event page. It works without JavaScript: a plain form claims, and the answer is a page."""

import hashlib
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import View
from django.views.decorators.http import require_safe

from coupons.admission import strategies
from coupons.api import problems, rate_limit, request_body, translations
from coupons.campaigns import live_document, lookup
from coupons.campaigns.shared_value import SharedValue
from coupons.claims.values import Claim
from coupons.errors import BadInput, BadToken, BodyTooLarge, CouponError, NoToken, UnknownCampaign
from coupons.pages import content_policy, event_content, hand_over
from coupons.pages.event_content import Answer
from coupons.runtime import ProcessState

LANGUAGES = ("en", "ko")
PAGE_AGE_S = 2  # a page without a token may be shared for so long
MOST_SHARED = 1000
SCRIPT_AGE_S = 300
RETRY_S = 2
SCRIPT = settings.ASSETS / "static" / "pages" / "coupon-button.js"


class EventList(View):
    """What opens next, some seconds old at most."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest) -> HttpResponse:
        with translation.override(_language(request)):
            try:
                content = event_content.list_content(request.GET.get("cursor", ""))
            except BadInput:
                content = event_content.list_content("")
            except CouponError as error:
                return _unavailable(request, {"address": "/events"}, error)
            page = _render(request, "pages/events.html", content, 200)
        page["Cache-Control"] = f"public, max-age={PAGE_AGE_S}"
        return page


SharedPage = SharedValue[tuple[bytes, dict[str, str]]]  # body, headers
_shared_pages: ProcessState[dict[tuple[str, str], SharedPage]] = ProcessState(dict)


class EventPage(View):
    """GET: the page, the same for everybody. POST with the field `token`: the shop hands over its
    user; the page is this user's and is not stored."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        with translation.override(_language(request)):
            try:
                body, headers = _shared_page(request, slug)
            except CouponError as error:
                return _failed_page(request, slug, error)
        return HttpResponse(body, headers=headers)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        try:
            caller, token = hand_over.posted_caller(request)
        except (BadToken, NoToken, BodyTooLarge, BadInput) as error:
            return _event_page(request, slug, event_content.failure_of(error))
        return _event_page(request, slug, event_content.standing_of(slug, caller, token))


class ProofPage(View):
    """The root of a closed event, and a form that checks a receipt in the browser: the policy lets
    it send nothing."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        with translation.override(_language(request)):
            try:
                content = event_content.proof_content(lookup.find_shown(slug))
            except CouponError as error:
                return _failed_page(request, slug, error)
            page = _render(request, "pages/proof.html", content, 200)
        content_policy.forbid_sending(page)
        page["Cache-Control"] = f"public, max-age={PAGE_AGE_S}"
        return page


class ClaimForm(View):
    """POST with the fields `token` and `nth`: claims, as the API does. GET leads back to the page,
    for whoever reloads the answer's address."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return HttpResponse(status=303, headers={"Location": f"/events/{quote(slug, safe='')}"})

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        token = ""
        try:
            caller, token = hand_over.posted_caller(request)
            rate_limit.check_claims_of(caller.user, slug)
            campaign = lookup.find_shown(slug)
            claim = Claim(caller.user, _posted_nth(request, campaign.per_user))
            admission = strategies.admit(campaign, claim, segments=caller.segments)
        except UnknownCampaign:
            return _event_page(request, slug, Answer())
        except CouponError as error:
            return _event_page(request, slug, event_content.failure_of(error, token))
        answer = event_content.answer_of(campaign, claim, admission, token)
        return _event_page(request, slug, answer)


def _posted_nth(request: HttpRequest, per_user: int) -> int:
    """Raises BadInput."""
    return request_body.number_in_query(request.POST, "nth", default=1, high=per_user)


def _shared_page(request: HttpRequest, slug: str) -> tuple[bytes, dict[str, str]]:
    """The page without a token, rendered once for all visitors of PAGE_AGE_S. Raises
    CouponError."""
    key, pages = (slug, _language(request)), _shared_pages.current
    shared = pages.get(key)
    if shared is None:
        lookup.find_shown(slug)  # made-up names get no entry
        if len(pages) >= MOST_SHARED:
            pages.clear()
        new = SharedPage(fresh_s=PAGE_AGE_S, stale_s=2 * PAGE_AGE_S, kept_s=2 * PAGE_AGE_S)
        shared = pages.setdefault(key, new)

    def render() -> tuple[bytes, dict[str, str]]:
        page = _shown_event(request, slug, Answer())
        page["Cache-Control"] = f"public, max-age={PAGE_AGE_S}"
        return page.content, dict(page.items())

    return shared.read_value(render)


def _event_page(request: HttpRequest, slug: str, answer: Answer) -> HttpResponse:
    """The page with this answer on it. Its status is the API's for the same answer."""
    with translation.override(_language(request)):
        try:
            return _shown_event(request, slug, answer)
        except CouponError as error:
            return _failed_page(request, slug, error, token=answer.token)


def _shown_event(request: HttpRequest, slug: str, answer: Answer) -> HttpResponse:
    """Raises CouponError."""
    live = live_document.read_live(slug)
    content = event_content.page_content(lookup.find_shown(slug), live, answer)
    return _render(request, "pages/event.html", content, answer.status)


def _failed_page(
    request: HttpRequest, slug: str, error: CouponError, *, token: str = ""
) -> HttpResponse:
    if isinstance(error, UnknownCampaign):
        return _render(request, "pages/unknown.html", {}, 404)
    again = {"address": f"/events/{quote(slug, safe='')}", "token": token}
    return _unavailable(request, again, error)


def _unavailable(request: HttpRequest, again: dict[str, Any], error: CouponError) -> HttpResponse:
    """A page that loads itself again. `again`: what; with a token by a form, so that nobody logs in
    once more."""
    wait_s = problems.jittered_wait_s(RETRY_S)
    content = again | {"wait_s": wait_s, "is_posted": request.method == "POST"}
    page = _render(request, "pages/unavailable.html", content, error.status)
    page["Retry-After"] = str(wait_s)
    return page


def _render(
    request: HttpRequest, template: str, content: dict[str, Any], status: int
) -> HttpResponse:
    language = translation.get_language()
    content |= {"language": language, "other_language": "en" if language == "ko" else "ko"}
    page = HttpResponse(render_to_string(template, content), status=status)
    page["Content-Language"] = language
    page["Cache-Control"] = "no-store"
    if status == HTTPStatus.UNAUTHORIZED:
        page["WWW-Authenticate"] = "Bearer"
    patch_vary_headers(page, ["Accept-Language"])
    content_policy.secure_page(page)
    return page


def _language(request: HttpRequest) -> str:
    """That of `?lang=`, else the browser's."""
    chosen = request.GET.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    return translations.language_of(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handler of addresses that the pages' door does not have."""
    with translation.override(_language(request)):
        return _render(request, "pages/unknown.html", {}, 404)


@require_safe
def button_script(request: HttpRequest) -> HttpResponse:
    """The embeddable button at an address that stays; any site may load it."""
    script, tag = _script()
    headers = {
        "ETag": tag,
        "Cache-Control": f"public, max-age={SCRIPT_AGE_S}",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if request.META.get("HTTP_IF_NONE_MATCH") == tag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=headers)


@lru_cache(maxsize=1)
def _script() -> tuple[bytes, str]:
    script = SCRIPT.read_bytes()
    return script, f'"{hashlib.sha256(script).hexdigest()[:32]}"'
