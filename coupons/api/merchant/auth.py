"""Authentication of merchants' backends by key, and the scope that each method needs."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from coupons.errors import BadKey, ScopeMissing
from coupons.merchants import api_keys
from coupons.merchants.api_keys import KEY_NEEDED, MerchantCaller


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key KEY`. Raises BadKey, also without the header."""

    def authenticate(self, request: Request) -> tuple[MerchantCaller, None]:
        scheme, _, key = request._request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "api-key":
            raise BadKey(KEY_NEEDED)
        return api_keys.verify_key(key.lstrip(" ")), None  # RFC 9110, 11.4: one space or more

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        scope = view.scopes.get(method)
        if scope is not None and scope not in merchant_caller(request).scopes:
            raise ScopeMissing(f"This key lacks the scope '{scope}'.")
        return True  # without a scope the method does not exist: 405


def merchant_caller(request: Request) -> MerchantCaller:
    user: Any = request.user
    assert isinstance(user, MerchantCaller)  # noqa: S101 - KeyAuthentication has set it
    return user
