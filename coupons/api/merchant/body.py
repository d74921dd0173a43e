"""Strict reading of request bodies: `coupons.claims.typed_fields` names the types of fields.

FIELDS: Fields = {"code": Text(most=64), "user": Text(most=128, optional=True)}
body = read_body(request, FIELDS)  # {"code": "…", "user": None}
"""

from typing import Any

from rest_framework.request import Request

from coupons.api.json import Parser, body_of
from coupons.claims.typed_fields import (
    Amount,
    Fields,
    Flag,
    Kind,
    Listing,
    Moment,
    OneOf,
    Several,
    Text,
    Whole,
    read_object,
)
from coupons.errors import LengthRequired

__all__ = [
    "Amount", "Fields", "Flag", "Kind", "Listing", "Moment", "OneOf", "Several", "Text", "Whole",
    "read_body",
]  # fmt: skip

MOST_BYTES = 65_536
_PARSERS = (Parser(MOST_BYTES),)


def read_body(request: Request, fields: Fields) -> dict[str, Any]:
    """The body's fields. An empty body is `{}`. Raises BadFields (all faults), BadInput,
    BodyTooLarge, LengthRequired, UnsupportedMediaType."""
    if "HTTP_TRANSFER_ENCODING" in request._request.META:  # WSGI would read it as empty
        raise LengthRequired("Send the body with a Content-Length, not in chunks.")
    return read_object(body_of(request._request, _PARSERS), fields)
