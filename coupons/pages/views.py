"""The event page. It works without JavaScript: a plain form claims, and the answer is a page."""

import hashlib
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import View
from django.views.decorators.http import require_safe

from coupons.admission import strategies
from coupons.api import problems, rate_limit, translations
from coupons.campaigns import live_document, lookup
from coupons.claims.values import Claim
from coupons.errors import BadInput, BadToken, CouponError, NoToken, UnknownCampaign
from coupons.identity import user_tokens
from coupons.identity.user_tokens import Caller
from coupons.pages import content_policy, event_content
from coupons.pages.event_content import Answer
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

LANGUAGES = ("en", "ko")
LONGEST_TOKEN = 4096  # bytes
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


class SharedPages:
    """Pages without a token, rendered once for all their visitors of PAGE_AGE_S."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, ...], tuple[float, bytes, dict[str, str]]] = {}

    def get_page(self, key: tuple[str, ...], render: Callable[[], HttpResponse]) -> HttpResponse:
        until, body, headers = self._pages.get(key, (0.0, b"", {}))
        if until > time.monotonic():
            return HttpResponse(body, headers=headers)
        page = render()
        if page.status_code == 200:
            if len(self._pages) >= MOST_SHARED:
                self._pages.clear()
            until = time.monotonic() + PAGE_AGE_S
            self._pages[key] = (until, page.content, dict(page.items()))
        return page


shared_pages = ProcessState(SharedPages)


class EventPage(View):
    """GET: the page, the same for everybody. POST with the field `token`: the shop hands over its
    user; the page is this user's and is not stored."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        page = shared_pages.current.get_page(
            (slug, _language(request)), lambda: _event_page(request, slug, Answer())
        )
        if page.status_code == 200:
            page["Cache-Control"] = f"public, max-age={PAGE_AGE_S}"
        return page

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        try:
            caller, token = _posted_caller(request)
        except (BadToken, NoToken) as error:
            return _event_page(request, slug, event_content.failure_of(error))
        return _event_page(request, slug, event_content.standing_of(slug, caller, token))


class ClaimForm(View):
    """POST with the fields `token` and `nth`: claims, as the API does. GET leads back to the page,
    for whoever reloads the answer's address."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return HttpResponse(status=303, headers={"Location": f"/events/{quote(slug, safe='')}"})

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        token = ""
        try:
            caller, token = _posted_caller(request)
            rate_limit.check_claims_of(caller.user)
            campaign = lookup.find_public(slug)
            claim = Claim(caller.user, _posted_nth(request, campaign.per_user))
            admission = strategies.admit(campaign, claim, segments=caller.segments)
        except UnknownCampaign:
            return _event_page(request, slug, Answer())
        except CouponError as error:
            return _event_page(request, slug, event_content.failure_of(error, token))
        answer = event_content.answer_of(campaign, claim, admission, token)
        return _event_page(request, slug, answer)


def _posted_caller(request: HttpRequest) -> tuple[Caller, str]:
    """The user of the posted token. Raises NoToken, BadToken."""
    token = request.POST.get("token", "")
    if not token or _is_foreign(request):
        raise NoToken("The form has no token.")
    if len(token) > LONGEST_TOKEN:
        raise BadToken("The token is malformed.")
    return user_tokens.verify_token(token), token


def _is_foreign(request: HttpRequest) -> bool:
    """Whether a page posted this that is neither the shop's nor ours: it could hand over a token of
    its own, and the visitor would press the button for somebody else. Where no SHOP_LOGIN_URL says
    which page is the shop's, any may."""
    origin = request.headers.get("Origin")
    if origin is None or not settings.SHOP_LOGIN_URL:
        return False
    host = request.get_host()
    own = {f"https://{host}", f"http://{host}"}
    if origin in {_origin_of(settings.SHOP_LOGIN_URL), *settings.CORS_ORIGINS, *own}:
        return False
    logger.warning("a hand-over from %r was refused: see SHOP_LOGIN_URL", origin[:200])
    return True


@lru_cache(maxsize=4)
def _origin_of(address: str) -> str:
    """As browsers write it: lower case, without the scheme's own port."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    own_port = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, own_port) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _posted_nth(request: HttpRequest, per_user: int) -> int:
    """Raises BadInput."""
    text = request.POST.get("nth", "1")
    nth = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= nth <= per_user:
        raise BadInput("nth", f"must be a whole number from 1 to {per_user}")
    return nth


def _event_page(request: HttpRequest, slug: str, answer: Answer) -> HttpResponse:
    """The page with this answer on it. Its status is the API's for the same answer."""
    with translation.override(_language(request)):
        try:
            campaign = lookup.find_public(slug)
            live = live_document.read_live(slug)
            content = event_content.page_content(campaign, live, answer)
        except UnknownCampaign:
            return _render(request, "pages/unknown.html", {}, 404)
        except CouponError as error:
            again = {"address": f"/events/{quote(slug, safe='')}", "token": answer.token}
            return _unavailable(request, again, error)
        return _render(request, "pages/event.html", content, answer.status)


def _unavailable(request: HttpRequest, again: dict[str, Any], error: CouponError) -> HttpResponse:
    """`again`: what to load again; with a token by a form, so that nobody logs in once more."""
    page = _render(request, "pages/unavailable.html", again, error.status)
    page["Retry-After"] = str(problems.jittered_wait_s(RETRY_S))
    return page


def _render(
    request: HttpRequest, template: str, content: dict[str, Any], status: int
) -> HttpResponse:
    language = translation.get_language()
    content |= {"language": language, "other_language": "en" if language == "ko" else "ko"}
    page = HttpResponse(render_to_string(template, content), status=status)
    page["Content-Language"] = language
    page["Cache-Control"] = "no-store"
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
