"""The base of our views: DRF's request cycle without the parts that this API does not vary.

There is one representation (JSON) and one version, so parser and renderer are made once, and
authentication and permissions once for each view class; none of them keeps state. Whatever else
DRF would read of a view class is refused when the class is made, so that nothing is ignored.
"""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons.api import translations
from coupons.api.auth import HasUser, TokenAuthentication
from coupons.api.json import AlwaysJson, Parser, Renderer
from coupons.api.plain_response import set_plain_header

_PARSERS = (Parser(),)
_NEGOTIATOR = AlwaysJson()
_RENDERER = Renderer()
# What DRF reads of a view, and this class does not.
_UNREAD = frozenset({
    "throttle_classes", "throttle_scope", "renderer_classes", "parser_classes", "versioning_class",
    "content_negotiation_class", "metadata_class", "settings",
    "get_throttles", "get_renderers", "get_parsers", "get_authenticators", "get_permissions",
    "get_content_negotiator", "perform_content_negotiation", "get_format_suffix",
    "determine_version", "check_permissions", "check_throttles", "get_parser_context",
})  # fmt: skip
_READ_ONCE = frozenset({"authentication_classes", "permission_classes"})


class Resource(APIView):
    """Base class: GET, HEAD and POST only; responses must not be cached (`no-store`).

    A subclass may name `authentication_classes` and `permission_classes`. Naming anything else that
    DRF has for views (throttles, renderers, parsers, …) raises TypeError.
    """

    http_method_names = ("get", "head", "post")
    authentication_classes: Any = (TokenAuthentication,)
    permission_classes: Any = (HasUser,)
    default_response_headers: Any = {}  # Allow is sent with 405 only
    _authentications: tuple[Any, ...]
    _permissions: tuple[Any, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for part in cls.__mro__[: cls.__mro__.index(Resource)]:
            _refuse_unread(cls.__name__, _UNREAD & vars(part).keys())
        cls._authentications = tuple(kind() for kind in cls.authentication_classes)
        cls._permissions = tuple(kind() for kind in cls.permission_classes)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        _refuse_unread(cls.__name__, (_UNREAD | _READ_ONCE) & initkwargs.keys())
        return super().as_view(**initkwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As DRF's, for the methods of `http_method_names`."""
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        self.request = asked = self.initialize_request(request, *args, **kwargs)
        method = str(request.method).lower()
        try:
            self.initial(asked, *args, **kwargs)
            handler = self.http_method_not_allowed
            if method in self.http_method_names:
                handler = getattr(self, method, handler)
            response = handler(asked, *args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(asked, response, *args, **kwargs)
        return self.response

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
        for permission in self._permissions:
            if not permission.has_permission(request, self):
                self.permission_denied(request, getattr(permission, "message", None))

    def perform_authentication(self, request: Request) -> None:
        """Sets the user at once; DRF would do so lazily, by an exception in `request.user`."""
        for authentication in self._authentications:
            user_and_token = authentication.authenticate(request)
            if user_and_token is not None:
                request.user, request.auth = user_and_token
                return
        request.user = request.auth = None  # type: ignore[assignment]

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        set_plain_header(response, "Cache-Control", "no-store")
        if response.status_code >= 400 and "HTTP_ACCEPT_LANGUAGE" in request._request.META:
            translations.translate_problem(response, request._request.META["HTTP_ACCEPT_LANGUAGE"])
        if not isinstance(response, Response):  # already rendered by the view
            return response
        return super().finalize_response(request, response, *args, **kwargs)


def _refuse_unread(view: str, names: Iterable[str]) -> None:
    if named := ", ".join(sorted(names)):
        raise TypeError(
            f"{view}: {named} would be ignored. coupons.api.base_view says what is read."
        )
