"""Sentences that were made in English and are read in another language, with something in them."""

import re
from typing import NamedTuple

from django.utils.translation import gettext, ngettext


class Counted(NamedTuple):
    """A sentence about numbers; its first `{}` decides between the form for one and for many."""

    one: str
    many: str


class SentenceTemplates:
    """A declared set of templates with `{}` for what differs, each known to the catalogue."""

    def __init__(self, *templates: str | Counted) -> None:
        self._patterns: list[tuple[re.Pattern[str], str | Counted]] = []
        for template in templates:
            if isinstance(template, Counted):
                self._patterns += [(_pattern_of(form, "([0-9]+)"), template) for form in template]
            else:
                self._patterns.append((_pattern_of(template, "(.*)"), template))

    def spoken(self, english: str) -> str | None:
        """In the language of this thread; None if it is none of them."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(english)
            if not found:
                continue
            if isinstance(template, Counted):
                return ngettext(*template, int(found[1])).format(*found.groups())
            return gettext(template).format(*found.groups())
        return None


def _pattern_of(template: str, value: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(r"\{\}", value), re.DOTALL)
