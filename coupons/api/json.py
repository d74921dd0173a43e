"""JSON in and out, and nothing else to negotiate."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from coupons.errors import BodyTooLarge

LARGEST_BODY = 4096  # bytes


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
    """Raises BodyTooLarge before it reads, ParseError."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        size = int(stream.META.get("CONTENT_LENGTH") or 0)
        if size > LARGEST_BODY:
            raise BodyTooLarge(f"The body has {size} bytes; {LARGEST_BODY} are allowed.")
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}") from None


class AlwaysJson(BaseContentNegotiation):
    """Whatever the client accepts, it is told in JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        said = request.content_type.partition(";")[0].strip().lower()
        return parsers[0] if said == parsers[0].media_type else None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type
