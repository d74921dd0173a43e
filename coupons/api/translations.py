"""Problems in the reader's language: title, detail and why; the `code` is for programs and stays.

Done to the finished answer, and only where a language was asked for: whoever asks for none pays
one comparison. A refusal is the same document a hundred thousand times, so is its translation.
"""

from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext

from coupons.api import details
from coupons.api.accept_language import preferred_language

_ENGLISH = "en"
_SPOKEN = (_ENGLISH, "ko")  # the first is for everybody else


def translate_problem(problem: HttpResponseBase, accepted: str) -> None:
    """Have a problem speak the language that its reader accepts, if we do."""
    if not problem.get("Content-Type", "").startswith("application/problem"):
        return
    body, language = translated_document(getattr(problem, "content", b""), accepted)
    if language:
        problem.content = body  # type: ignore[attr-defined]
        problem["Content-Language"] = language


def translated_document(problem: bytes, accepted: str) -> tuple[bytes, str]:
    """The document in the reader's language, and which it is; as it was, and "", for English."""
    language = language_of(accepted)
    return (problem, "") if language == _ENGLISH else _translated(problem, language)


def language_of(accepted: str) -> str:
    """Of those that we speak, the one that this Accept-Language header prefers."""
    return preferred_language(accepted, _SPOKEN)


@lru_cache(maxsize=256)
def _translated(body: bytes, language: str) -> tuple[bytes, str]:
    """A document speaks one language: where a part has no translation, all of it stays English."""
    said = orjson.loads(body)
    with translation.override(language):
        texts = {name: _spoken(said, name) for name in ("title", "detail") if name in said}
        errors = [error | {"why": _text(error["why"])} for error in said.get("errors", ())]
    if None in texts.values() or any(error["why"] is None for error in errors):
        return body, ""
    return orjson.dumps(said | texts | ({"errors": errors} if errors else {})), language


def _spoken(said: dict[str, Any], name: str) -> str | None:
    """A title or a detail; the detail of a wrong field is the field's name and why it is wrong."""
    for error in said.get("errors", ()):
        if said[name] == f"{error['field']}: {error['why']}":
            why = _text(error["why"])
            return why and f"{error['field']}: {why}"
    return _text(said[name])


def _text(english: str) -> str | None:
    """In the language of this thread; None: nobody has translated it."""
    said = details.DETAILS.spoken(english) or gettext(english)
    return None if said == english else said
