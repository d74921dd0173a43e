"""15.3: what a view of ours names for DRF is honoured, or refused when its class is made."""

from typing import Any

import orjson
import pytest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import UserRateThrottle

from coupons.api.base_view import Resource

UNREAD: list[dict[str, Any]] = [
    {"throttle_classes": (UserRateThrottle,)},
    {"throttle_scope": "claims"},
    {"renderer_classes": (BrowsableAPIRenderer,)},
    {"parser_classes": ()},
    {"versioning_class": object},
    {"get_permissions": lambda self: []},
    {"check_throttles": lambda self, request: None},
]


class Nobody(BasePermission):
    message = "Nobody may."

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class ByHeader(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        name = request.META.get("HTTP_X_NAME")
        return (name, None) if name else None


def respond(view: type[Resource], **headers: str) -> tuple[int, Any]:
    answer = view.as_view()(APIRequestFactory().get("/", headers=headers))
    if isinstance(answer, Response):
        answer.render()
    return answer.status_code, orjson.loads(answer.content)


@pytest.mark.parametrize("named", UNREAD, ids=lambda named: next(iter(named)))
def test_15_3_a_class_that_names_what_is_not_read_is_refused(named: dict[str, Any]) -> None:
    (name,) = named
    with pytest.raises(TypeError, match=f"Mine: {name} would be ignored"):
        type("Mine", (Resource,), named)
    mixin = type("Mixin", (), named)
    with pytest.raises(TypeError, match=f"Mine: {name} would be ignored"):
        type("Mine", (mixin, Resource), {})


def test_15_3_so_is_an_argument_of_as_view() -> None:
    class Mine(Resource):
        pass

    for name in ("throttle_classes", "permission_classes", "authentication_classes"):
        with pytest.raises(TypeError, match=f"Mine: {name} would be ignored"):
            Mine.as_view(**{name: ()})


@pytest.mark.parametrize("denied", [Nobody, ~Nobody & Nobody])
def test_15_3_a_permission_that_says_no_is_honoured(denied: Any) -> None:
    class Mine(Resource):
        authentication_classes = (ByHeader,)
        permission_classes = (denied,)

        def get(self, request: Request) -> Response:
            return Response({"name": request.user})

    status, problem = respond(Mine, **{"X-Name": "mina"})
    assert (status, problem["status"]) == (403, 403)


def test_15_3_another_authentication_is_honoured() -> None:
    class Mine(Resource):
        authentication_classes = (ByHeader,)
        permission_classes = ()

        def get(self, request: Request) -> Response:
            return Response({"name": request.user})

    assert respond(Mine, **{"X-Name": "mina"}) == (200, {"name": "mina"})
    assert respond(Mine) == (200, {"name": None})
