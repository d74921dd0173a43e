"""Problems in the reader's language: `title` and `detail`; the `code` is for programs and stays.

Done to the finished answer, and only where a language was asked for: whoever asks for none pays
one comparison. A refusal is the same document a hundred thousand times, so is its translation.
"""

from functools import lru_cache

import orjson
from django.http import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext, gettext_noop
from django.utils.translation.trans_real import parse_accept_lang_header

from coupons.phrases import Phrases

_ENGLISH = "en"
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
    language = _language(accepted)
    return (problem, "") if language == _ENGLISH else (_translated(problem, language), language)


@lru_cache(maxsize=1024)  # browsers send a few hundred different ones
def _language(accepted: str) -> str:
    """The first that we speak, by the reader's preference; English for none."""
    for code, _quality in parse_accept_lang_header(accepted[:100].lower()):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return _ENGLISH


@lru_cache(maxsize=256)
def _translated(body: bytes, language: str) -> bytes:
    said = orjson.loads(body)
    with translation.override(language):
        said |= {name: _text(said[name]) for name in ("title", "detail") if name in said}
    return orjson.dumps(said)


def _text(english: str) -> str:
    return _DETAILS.spoken(english) or gettext(english)
