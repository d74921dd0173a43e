"""The base of views that many anonymous visitors poll: a resource without DRF's request cycle.

There is no token, no body and no negotiation, so nothing of that cycle would change the answer. It
is a `Resource` for its description (OpenAPI) and its methods only.
"""

from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse

from coupons.api import problems, translations
from coupons.api.base_view import Resource
from coupons.errors import CouponError


class PlainResource(Resource):
    """GET and HEAD. A subclass has `answer(request, **names)` and describes it on `get`."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("get", "head")  # type: ignore[assignment]

    def answer(self, request: HttpRequest, **names: str) -> HttpResponse:
        """Raises CouponError."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *_: Any, **names: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return _problem(request, self._method_not_allowed(request))
        try:
            return self.answer(request, **names)
        except CouponError as error:
            return _problem(request, problems.error_response(error))

    def _method_not_allowed(self, request: HttpRequest) -> HttpResponse:
        detail = f'Method "{request.method}" not allowed.'
        response = problems.problem_response(
            405, "method_not_allowed", "The method is not allowed here", detail
        )
        response["Allow"] = "GET, HEAD"
        return response


def _problem(request: HttpRequest, problem: HttpResponse) -> HttpResponse:
    problem["Cache-Control"] = "no-store"
    translations.translate_problem(problem, request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    return problem


def entity_tag(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def cached_response(request: HttpRequest, body: bytes, etag: str, max_age_s: int) -> HttpResponse:
    """A document that shared caches may keep; 304 if the client has it already."""
    headers = {"Cache-Control": f"public, max-age={max_age_s}", "ETag": etag}
    if etag in _validators(request.META.get("HTTP_IF_NONE_MATCH", "")):
        response = HttpResponse(status=304, headers=headers)
        del response["Content-Type"]
        return response
    return HttpResponse(body, content_type="application/json", headers=headers)


def _validators(if_none_match: str) -> list[str]:
    """The entity tags in the header, compared weakly (RFC 9110, 13.1.2)."""
    return [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
