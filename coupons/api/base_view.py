"""The base of our views: DRF's request cycle without the parts that this API does not vary.

There is one representation (JSON), one version, one authentication. So parser, renderer and
authentication objects are made once, not for every request. They keep no state.
"""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons.api import translations
from coupons.api.auth import HasUser, TokenAuthentication
from coupons.api.json import AlwaysJson, Parser, Renderer

_PARSERS = (Parser(),)
_NEGOTIATOR = AlwaysJson()
_RENDERER = Renderer()
_MADE_ONCE: dict[type, Any] = {kind: kind() for kind in (TokenAuthentication, HasUser)}


class Resource(APIView):
    """Base class: GET, HEAD and POST only; responses must not be cached (`no-store`)."""

    http_method_names = ("get", "head", "post")
    authentication_classes: Any = (TokenAuthentication,)
    permission_classes: Any = (HasUser,)
    default_response_headers: Any = {}  # Allow is sent with 405 only

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        return Request(
            request,
            parsers=_PARSERS,
            negotiator=_NEGOTIATOR,
            parser_context={"view": self},
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        request.accepted_renderer, request.accepted_media_type = _RENDERER, _RENDERER.media_type
        request.version = request.versioning_scheme = None
        self.perform_authentication(request)
        for kind in self.permission_classes:
            _MADE_ONCE[kind].has_permission(request, self)  # raises the error to respond with

    def perform_authentication(self, request: Request) -> None:
        """Sets the user at once; DRF would do so lazily, by an exception in `request.user`."""
        for kind in self.authentication_classes:
            user_and_token = _MADE_ONCE[kind].authenticate(request)
            if user_and_token is not None:
                request.user, request.auth = user_and_token
                return
        request.user = request.auth = None  # type: ignore[assignment]

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        response["Cache-Control"] = "no-store"
        if response.status_code >= 400 and "HTTP_ACCEPT_LANGUAGE" in request._request.META:
            translations.translate_problem(response, request._request.META["HTTP_ACCEPT_LANGUAGE"])
        if not isinstance(response, Response):  # already rendered by the view
            return response
        return super().finalize_response(request, response, *args, **kwargs)
