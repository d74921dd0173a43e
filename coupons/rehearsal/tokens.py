"""Tokens of the crowd, signed as the shop signs them.

With the secret that the site shares with the shop, or, for a site with JWT_JWKS_FILE, with a
private key (JWT_SIGNING_KEY_FILE) whose public half is in that file.
"""

import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

LIFETIME_S = 900


def can_sign() -> bool:
    """Whether this host has a key that signs users' tokens."""
    return bool(settings.JWT_SIGNING_KEY_FILE if settings.JWT_JWKS_FILE else _secret())


class CrowdTokens:
    """Signs tokens with these segments. Raises OSError, ValueError if the private key can't be
    read."""

    def __init__(self, segments: tuple[str, ...]) -> None:
        self._segments, self._headers = list(segments), dict[str, str]()
        self._key: Any = _secret()
        self._algorithm = "HS256"
        if settings.JWT_JWKS_FILE:
            self._key, self._algorithm = _private_key(settings.JWT_SIGNING_KEY_FILE)
            self._headers = {"kid": settings.JWT_SIGNING_KEY_ID}

    def sign_token(self, user: str) -> str:
        claims: dict[str, Any] = {
            "iss": settings.JWT_ISSUER,
            "aud": settings.JWT_AUDIENCE,
            "sub": user,
            "exp": int(time.time()) + LIFETIME_S,
        }
        if self._segments:
            claims["segments"] = self._segments
        headers = {name: value for name, value in self._headers.items() if value}
        return jwt.encode(claims, self._key, algorithm=self._algorithm, headers=headers)


def _secret() -> str:
    return str(settings.JWT_HS256_SECRET)


def _private_key(file: str) -> tuple[Any, str]:
    key = load_pem_private_key(Path(file).read_bytes(), None)
    if isinstance(key, RSAPrivateKey):
        return key, "RS256"
    return key, "ES256" if isinstance(key, EllipticCurvePrivateKey) else "EdDSA"
