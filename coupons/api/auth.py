"""Authentication of API users by bearer token."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from coupons.api import rate_limit
from coupons.errors import BadToken, NoToken
from coupons.identity import user_tokens
from coupons.identity.user_tokens import Caller

LONGEST_TOKEN = 4096  # bytes


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`. Raises BadToken; without the header the user is None."""

    def authenticate(self, request: Request) -> tuple[Caller, str] | None:
        scheme, _, token = request._request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        token = token.lstrip(" ")  # RFC 9110, 11.4: one space or more
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
            raise BadToken("The Authorization header is not 'Bearer TOKEN'.")
        return user_tokens.verify_token(token), token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasUser(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Caller):
            raise NoToken("Send 'Authorization: Bearer TOKEN'.")
        if request._request.method != "POST":  # each view that takes a POST counts it itself
            rate_limit.check_requests_of(request.user.user)
        return True
