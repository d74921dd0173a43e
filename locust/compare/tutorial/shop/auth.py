"""The same token check as the product's, in the usual place of DRF."""

import os
from typing import Any

import jwt
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


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
                os.environ["JWT_HS256_SECRET"],
                algorithms=["HS256"],
                audience=os.environ["JWT_AUDIENCE"],
                issuer=os.environ["JWT_ISSUER"],
                leeway=5,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise AuthenticationFailed(str(error)) from None
