"""Keyset pagination for an admin list of any length: by primary key, without COUNT or sorting."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from coupons.claims.limits import PLACES_PER_CAMPAIGN

BEFORE, AFTER = "before", "after"  # rows older than this key, rows newer than this key
_LARGEST_KEY = 2**63 - 1
WINDOWS = (10_000, 1_000_000, PLACES_PER_CAMPAIGN)  # keys


class KeysetChangeList(ChangeList):
    """`newer` and `older`: query strings of the neighbouring pages; empty: there is none."""

    newer = older = ""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return ["-pk"]  # ignores the order in the URL

    def get_ordering_field_columns(self) -> dict[int, Any]:
        return {}

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        self.before, self.after = self._pop_key(BEFORE), self._pop_key(AFTER)
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        return rows

    def _pop_key(self, name: str) -> int | None:
        """Remove and return the key in the URL, so that links on this page don't contain it."""
        self.params.pop(name, None)
        typed = self.filter_params.pop(name, [None])[-1]
        if typed is None:
            return None
        if not (typed.isascii() and typed.isdigit() and int(typed[:20]) <= _LARGEST_KEY):
            raise IncorrectLookupParameters(f"{name} is not a key.")
        return int(typed)

    def get_results(self, request: HttpRequest) -> None:
        rows = self._rows(self.list_per_page + 1)
        full = len(rows) > self.list_per_page
        page = rows[: self.list_per_page]
        if self.after is not None:
            page.reverse()
        came_from_newer, came_from_older = self.before is not None, self.after is not None
        if page and (came_from_newer or (came_from_older and full)):
            self.newer = self.get_query_string({AFTER: page[0].pk})
        if page and (came_from_older or full):
            self.older = self.get_query_string({BEFORE: page[-1].pk})
        self._show(page)

    def _rows(self, count: int) -> list[Any]:
        rows = self.narrowed(self.queryset, count)
        if self.after is not None:
            return list(rows.filter(pk__gt=self.after).order_by("pk")[:count])
        older = rows if self.before is None else rows.filter(pk__lt=self.before)
        return list(older[:count])

    def narrowed(self, queryset: QuerySet[Any], count: int) -> QuerySet[Any]:
        """A hook: the rows among which the next `count` are looked for."""
        return queryset

    def nearest_keys(self, rows: QuerySet[Any], count: int) -> list[int]:
        """The next `count` keys of rows that an index has in the order of their keys, from the
        nearest first. Asked for all at once beyond a key, MariaDB reads them from the end of the
        index, up to that key."""
        for window in WINDOWS:
            keys = list(self._within(rows, window).values_list("pk", flat=True)[:count])
            if len(keys) == count:
                break
        return keys

    def _within(self, rows: QuerySet[Any], window: int) -> QuerySet[Any]:
        if self.after is not None:
            return rows.filter(pk__gt=self.after, pk__lte=self.after + window).order_by("pk")
        if self.before is not None:
            rows = rows.filter(pk__lt=self.before, pk__gte=max(0, self.before - window))
        return rows.order_by("-pk")

    def _show(self, page: list[Any]) -> None:
        """Set the attributes that Django's templates need."""
        self.result_list = page
        self.result_count = self.full_result_count = len(
            page
        )  # of this page; the total is not known
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
