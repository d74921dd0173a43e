"""The people of this load process: unique user names, with tokens made in advance.

Tokens are signed as the shop signs them: with the secret that it shares with the API, or, where
JWT_SIGNING_KEY_FILE names its private key (PEM; RSA or P-256), as an identity provider does.
"""

import os
import time
from collections import deque
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# Longest load run: an hour.
LIFETIME_S = 3600
_LOCAL_SECRET = "local-only-" + "2" * 40


class TokenPool:
    """`prefix` makes this process's user names unique among all processes."""

    def __init__(self, prefix: str, environment: Mapping[str, str] = os.environ) -> None:
        self._prefix, self._next, self._environment = prefix, 0, environment
        self._ready: deque[tuple[str, str]] = deque()

    def make_tokens(self, count: int) -> None:
        """Make `count` tokens now, so that none is made during the measurement."""
        self._ready.extend(self._new() for _ in range(count))

    def next_user(self) -> tuple[str, str]:
        """The next person: (user name, token)."""
        return self._ready.popleft() if self._ready else self._new()

    def _new(self) -> tuple[str, str]:
        self._next += 1
        user = f"{self._prefix}-{self._next}"
        return user, mint_token(user, self._environment)


def mint_token(user: str, environment: Mapping[str, str] = os.environ) -> str:
    claims = {
        "iss": environment.get("JWT_ISSUER", "https://shop.local"),
        "aud": environment.get("JWT_AUDIENCE", "coupons"),
        "sub": user,
        "exp": int(time.time()) + LIFETIME_S,
    }
    if file := environment.get("JWT_SIGNING_KEY_FILE"):
        key, algorithm = _private_key(file)
        headers = {"kid": environment["JWT_SIGNING_KEY_ID"]}
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
    return jwt.encode(claims, environment.get("JWT_HS256_SECRET", _LOCAL_SECRET), algorithm="HS256")


@cache
def _private_key(file: str) -> tuple[Any, str]:
    key = load_pem_private_key(Path(file).read_bytes(), None)
    return key, "RS256" if isinstance(key, RSAPrivateKey) else "ES256"
