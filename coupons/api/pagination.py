"""Keyset pagination by cursor: rows added between two pages neither repeat nor hide a row."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from coupons.api.request_body import number_in_query
from coupons.errors import BadInput

MOST = 200  # rows in a page
LONGEST_QUERY = 1_000  # bytes; Python keeps the last addresses that were taken apart
_MALFORMED = Cursor(offset=0, reverse=False, position=None)  # what DRF decodes from random input


class Page(CursorPagination):
    """Newest first. Raises BadInput for a wrong limit or cursor, which DRF would accept."""

    page_size = 50
    ordering = "-slot_id"

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params
        limit = number_in_query(asked, "limit", default=self.page_size, high=MOST)
        if len(request._request.META.get("QUERY_STRING", "")) > LONGEST_QUERY:
            raise BadInput("cursor", "is not one that this list gave")
        return limit

    def decode_cursor(self, request: Request) -> Any:
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            cursor = _MALFORMED
        if cursor and (cursor == _MALFORMED or not _is_slot(str(cursor.position or 0))):
            raise BadInput("cursor", "is not one that this list gave")
        return cursor


def _is_slot(text: str) -> bool:
    return _is_number(text) and len(text) < 19  # a BIGINT holds it


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
