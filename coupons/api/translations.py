"""Translation of problem documents: title, detail and why; the `code` is for programs and stays.

Done to the finished response, and only if the request has Accept-Language: others pay for one
comparison. A refusal says the same a hundred thousand times, so the translation of its texts is
cached.
"""

from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext

from coupons.api import details
from coupons.api.accept_language import preferred_language

_ENGLISH = "en"
_LANGUAGES = (_ENGLISH, "ko")  # the first is the default


def translate_problem(problem: HttpResponseBase, accepted: str) -> None:
    """Translate a problem response, in place, into the language that its client prefers; other
    responses stay as they are."""
    if not problem.get("Content-Type", "").startswith("application/problem"):
        return
    body, language = translated_document(getattr(problem, "content", b""), accepted)
    if language:
        problem.content = body  # type: ignore[attr-defined]
        problem["Content-Language"] = language


def translated_document(problem: bytes, accepted: str) -> tuple[bytes, str]:
    """The translated document and its language; unchanged and "" if it stays English."""
    language = language_of(accepted)
    return (problem, "") if language == _ENGLISH else _translated(problem, language)


def language_of(accepted: str) -> str:
    """The supported language that this Accept-Language header prefers."""
    return preferred_language(accepted, _LANGUAGES)


def page_language(request: HttpRequest) -> str:
    """The language of an operator's page: the one chosen there, else the browser's."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    accepted = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    return chosen if chosen in dict(settings.LANGUAGES) else language_of(accepted)


def _translated(body: bytes, language: str) -> tuple[bytes, str]:
    """All or nothing: if one part has no translation, the whole document stays English."""
    document = orjson.loads(body)
    texts = {
        name: _translated_member(document, name, language)
        for name in ("title", "detail")
        if name in document
    }
    errors = [
        error | {"why": _translated_text(error["why"], language)}
        for error in document.get("errors", ())
    ]
    if None in texts.values() or any(error["why"] is None for error in errors):
        return body, ""
    return orjson.dumps(document | texts | ({"errors": errors} if errors else {})), language


def _translated_member(document: dict[str, Any], name: str, language: str) -> str | None:
    """The translation of a title or a detail. The detail of a wrong field is its name and why."""
    for error in document.get("errors", ()):
        if document[name] == f"{error['field']}: {error['why']}":
            why = _translated_text(error["why"], language)
            return why and f"{error['field']}: {why}"
    return _translated_text(document[name], language)


@lru_cache(maxsize=1024)
def _translated_text(english: str, language: str) -> str | None:
    """None if there is no translation."""
    with translation.override(language):
        translated = details.DETAILS.spoken(english) or gettext(english)
    return None if translated == english else translated
