"""Sentences that were made in English and are read in another language, with something in them."""

import re

from django.utils.translation import gettext


class SentenceTemplates:
    """A declared set of templates with `{}` for what differs, each known to the catalogue."""

    def __init__(self, *templates: str) -> None:
        self._patterns = [
            (re.compile(re.escape(template).replace(r"\{\}", "(.*)"), re.DOTALL), template)
            for template in templates
        ]

    def spoken(self, english: str) -> str | None:
        """In the language of this thread; None if it is none of them."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(english)
            if found:
                return gettext(template).format(*found.groups())
        return None
