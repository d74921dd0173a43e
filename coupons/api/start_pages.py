"""The start page (`/`) of each door: what this is, and links.

The users' page names no address of the operators. Neither page calls a store or loads a file.
"""

import base64
import hashlib
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from coupons.api.translations import language_of

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.6 system-ui, sans-serif; }
body { word-break: keep-all; overflow-wrap: anywhere; }
main { max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


@require_safe
def for_users(request: HttpRequest) -> HttpResponse:
    return _page(request, "start_users.html")


@require_safe
def for_operators(request: HttpRequest) -> HttpResponse:
    return _page(request, "start_operators.html")


def _page(request: HttpRequest, template: str) -> HttpResponse:
    language = language_of(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    page = HttpResponse(_rendered(template, language))
    page["Content-Language"] = language
    page["Content-Security-Policy"] = POLICY
    page["X-Frame-Options"] = "DENY"
    patch_vary_headers(page, ["Accept-Language"])
    return page


@lru_cache(maxsize=4)  # two pages in two languages
def _rendered(template: str, language: str) -> str:
    with translation.override(language):
        return render_to_string(template, {"style": STYLE})
