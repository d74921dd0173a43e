"""Users of a rehearsal, with tokens signed as the shop does."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jwt

ISSUER, AUDIENCE = "https://shop.rehearsal", "coupons"
VALID_S = 1800


def sign_people(key: str, prefix: str, count: int) -> Iterator[tuple[str, str]]:
    """Yield (user, token), each signed when it is taken."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + VALID_S}
    for number in range(count):
        user = f"{prefix}-{number}"
        yield user, jwt.encode(claims | {"sub": user}, key, "HS256")
