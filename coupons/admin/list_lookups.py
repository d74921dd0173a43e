"""Which filters the address of a list may have: those that its page offers.

Django allows a lookup by any of the model's own columns (`?slug__regex=(`), which the database may
refuse (answered 500), which may read a whole table, and by which hidden values can be guessed.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from django.http import HttpRequest

_TOO_LARGE = re.compile(r"[+-]?[0-9]{19,}")  # numbers that may not fit into a column


class OfferedLookups:
    """Mixin of a ModelAdmin: another lookup than those of `list_filter` is answered 400."""

    list_filter: ClassVar[Any] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup in offered_lookups(self.list_filter) and not _TOO_LARGE.search(str(value))


def offered_lookups(filters: Iterable[Any]) -> set[str]:
    """The names of parameters by which Django's own list filters ask."""
    fields = [one for one in filters if isinstance(one, str)]
    ends = ("", "__exact", "__id__exact", "__isnull")
    own = {one.parameter_name for one in filters if hasattr(one, "parameter_name")}
    return own | {f"{field}{end}" for field in fields for end in ends}
