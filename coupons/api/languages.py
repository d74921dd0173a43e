"""Problems in the reader's language: `title` and `detail`; the `code` is for programs and stays.

Done to the finished answer, and only where a language was asked for: whoever asks for none pays
one comparison. A refusal is the same document a hundred thousand times, so is its translation.
"""

from functools import lru_cache

import orjson
from django.http import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from coupons.api.accept_language import preferred_language
from coupons.phrases import Phrases

_ENGLISH = "en"
_SPOKEN = (_ENGLISH, "ko")  # the first is for everybody else
# Details with something in them that a person may read; others speak to programmers, in English.
_DETAILS = Phrases(
    gettext_noop("There is no campaign '{}'."),
    gettext_noop("More than {} claims in a second. Please wait."),
    gettext_noop("Redis holds no gate for '{}'."),
)


def translate(problem: HttpResponseBase, accepted: str) -> None:
    """Have a problem speak the language that its reader accepts, if we do."""
    if not problem.get("Content-Type", "").startswith("application/problem"):
        return
    body, language = translated(getattr(problem, "content", b""), accepted)
    if language:
        problem.content = body  # type: ignore[attr-defined]
        problem["Content-Language"] = language


def translated(problem: bytes, accepted: str) -> tuple[bytes, str]:
    """The document in the reader's language, and which it is; as it was, and "", for English."""
    language = language_of(accepted)
    return (problem, "") if language == _ENGLISH else (_translated(problem, language), language)


def language_of(accepted: str) -> str:
    """Of those that we speak, the one that this Accept-Language header prefers."""
    return preferred_language(accepted, _SPOKEN)


@lru_cache(maxsize=256)
def _translated(body: bytes, language: str) -> bytes:
    said = orjson.loads(body)
    with translation.override(language):
        said |= {name: _text(said[name]) for name in ("title", "detail") if name in said}
    return orjson.dumps(said)


def _text(english: str) -> str:
    return _DETAILS.spoken(english) or gettext(english)
