"""The line of people at this load process: each with a name of their own and a token made before.

Tokens are signed as the shop would sign them, with the secret that the API knows.
"""

import os
import time
from collections import deque

import jwt

# As long as a load run may take: an hour.
LIFETIME_S = 3600
_LOCAL_SECRET = "local-only-" + "2" * 40


class Line:
    """`prefix` keeps the names of this process apart from those of every other."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._next = prefix, 0
        self._ready: deque[tuple[str, str]] = deque()

    def gather(self, count: int) -> None:
        """Make so many tokens now, so that none is made while the clock runs."""
        self._ready.extend(self._new() for _ in range(count))

    def step_up(self) -> tuple[str, str]:
        """The next person: their name and token."""
        return self._ready.popleft() if self._ready else self._new()

    def _new(self) -> tuple[str, str]:
        self._next += 1
        user = f"{self._prefix}-{self._next}"
        return user, token_of(user)


def token_of(user: str) -> str:
    said = {
        "iss": os.environ.get("JWT_ISSUER", "https://shop.local"),
        "aud": os.environ.get("JWT_AUDIENCE", "coupons"),
        "sub": user,
        "exp": int(time.time()) + LIFETIME_S,
    }
    return jwt.encode(said, os.environ.get("JWT_HS256_SECRET", _LOCAL_SECRET), algorithm="HS256")
