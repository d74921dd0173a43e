"""The report as a file that needs nothing else: one HTML page with its pictures, or JSON."""

import orjson
from django.template.loader import render_to_string
from django.utils import translation

from coupons.proof.report import Figures
from coupons.proof.report_words import words_of

LANGUAGES = ("ko", "en")


def render_html(figures: Figures, language: str) -> str:
    """A page for browser and printer, without script, network or style sheet of its own."""
    with translation.override(language):
        context = words_of(figures) | {"language": language}
        return render_to_string("proof/report_file.html", context)


def render_json(figures: Figures) -> bytes:
    """All figures, with sorted names: two files can be compared."""
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
