"""The same token check as the product's, in the usual place of DRF."""

import os
from pathlib import Path
from typing import Any

import jwt
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

_JWKS_FILE = os.environ.get("JWT_JWKS_FILE")
_PUBLIC_KEYS = (
    {key.key_id: key for key in jwt.PyJWKSet.from_json(Path(_JWKS_FILE).read_text()).keys}
    if _JWKS_FILE
    else {}
)


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, str] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return User(username=self._claims(token)["sub"]), token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                _verification_key(token),
                algorithms=["RS256", "ES256"] if _PUBLIC_KEYS else ["HS256"],
                audience=os.environ["JWT_AUDIENCE"],
                issuer=os.environ["JWT_ISSUER"],
                leeway=5,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise AuthenticationFailed(str(error)) from None


def _verification_key(token: str) -> Any:
    if not _PUBLIC_KEYS:
        return os.environ["JWT_HS256_SECRET"]
    return _PUBLIC_KEYS[jwt.get_unverified_header(token)["kid"]]
