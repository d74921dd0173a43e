"""JSON parser and renderer; there is no content negotiation."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from coupons.claims.stranger_json import json_from_stranger
from coupons.claims.stranger_text import OddValue, shown_text
from coupons.errors import BadInput, BodyTooLarge

LARGEST_BODY = 4096  # bytes
MOST_MEDIA_TYPE = 64  # characters of one that is refused, which the answer repeats


class Renderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class Parser(BaseParser):
    """Raises BodyTooLarge (before it reads the body), BadInput."""

    media_type = "application/json"

    def __init__(self, most_bytes: int = LARGEST_BODY) -> None:
        self._most_bytes = most_bytes

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        size = int(stream.META.get("CONTENT_LENGTH") or 0)
        if size > self._most_bytes:
            raise BodyTooLarge(f"The body has {size} bytes; {self._most_bytes} are allowed.")
        raw = stream.read()
        if len(raw) != size:
            raise BadInput(
                "body",
                f"has 1 byte where {size} were announced"
                if len(raw) == 1
                else f"has {len(raw)} bytes where {size} were announced",
            )
        return _read(raw)


def _read(raw: bytes) -> Any:
    try:
        return json_from_stranger(raw)
    except OddValue as odd:
        raise BadInput("body", odd.why) from None


def body_of(request: HttpRequest, parsers: tuple[Parser, ...] = ()) -> Any:
    """The parsed body of a request; `{}` for an empty one. `parsers`: one with another bound.

    The same as DRF's `request.data` with our one parser, without its code for forms and files.
    Raises BadInput, BodyTooLarge, UnsupportedMediaType.
    """
    if request.META.get("CONTENT_LENGTH") in _NOTHING:
        return {}
    parser = _NEGOTIATOR.select_parser(request, parsers or _PARSERS)
    if parser is None:
        raise UnsupportedMediaType(shown_text(request.content_type or "", MOST_MEDIA_TYPE))
    return parser.parse(request)


class AlwaysJson(BaseContentNegotiation):
    """Responds in JSON whatever the client accepts; parses application/json without encoding."""

    def select_parser(self, request: Request | HttpRequest, parsers: Any) -> Any:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        is_encoded = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity"
        return None if is_encoded or media_type != parsers[0].media_type else parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


_NEGOTIATOR, _PARSERS = AlwaysJson(), (Parser(),)
_NOTHING = (None, "", "0")
