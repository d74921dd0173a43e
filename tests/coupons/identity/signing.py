"""User tokens, valid and invalid, signed as a shop would sign them."""

import base64
import time
from typing import Any

import jwt
import pytest

from coupons.errors import BadToken
from coupons.identity import user_tokens

SECRET = "the shop's and ours, " + "x" * 40
FOREVER_S = 3600


def token_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid token with these changes; None leaves a claim out."""
    good = {
        "iss": "https://shop.example",
        "aud": "coupons",
        "sub": "jun",
        "exp": int(time.time()) + FOREVER_S,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def sign_token(
    key: Any = SECRET, algorithm: str = "HS256", /, kid: Any = None, **changes: Any
) -> str:
    return jwt.encode(
        token_claims(**changes), key, algorithm, headers={"kid": kid} if kid else None
    )


def raw_token(header: bytes, payload: bytes, signature: bytes = b"") -> str:
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload, signature)]
    return b".".join(parts).decode()


def refusal_of(token: str) -> str:
    with pytest.raises(BadToken) as caught:
        user_tokens.verify_token(token)
    return str(caught.value)
