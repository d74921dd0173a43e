"""HTTP responses of which everything is known: what Django's constructor checks and computes for
each one is left out. `HttpResponse` with the same arguments gives the same response (test)."""

from typing import Any

from django.http import HttpResponse
from django.http.cookie import SimpleCookie
from django.http.response import ResponseHeaders

Headers = dict[str, tuple[str, str]]  # by name in lower case


def plain_headers(**by_name: str) -> Headers:
    """`Content_Type="…"`. Names and values are our own: ASCII, without line breaks."""
    pairs = {name.replace("_", "-"): value for name, value in by_name.items()}
    return {name.lower(): (name, value) for name, value in pairs.items()}


class PlainResponse(HttpResponse):
    """`body` is finished; `headers`, of `plain_headers`, include Content-Type."""

    def __init__(self, body: bytes, status: int, headers: Headers) -> None:
        self.headers = _response_headers(headers)
        self.status_code = status
        self.cookies = SimpleCookie()
        self.closed = False
        self._container = [body]
        self._charset = self._reason_phrase = self._handler_class = None
        self._resource_closers: list[Any] = []


def _response_headers(headers: Headers) -> ResponseHeaders:
    made = ResponseHeaders.__new__(ResponseHeaders)
    made._store = headers.copy()
    return made


def set_plain_header(response: Any, name: str, value: str) -> None:
    """Set a header whose value is ASCII without line breaks."""
    response.headers._store[name.lower()] = (name, value)
