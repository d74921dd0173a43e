"""Who is asking: the user token, a signed JWT checked without a database (RFC 7519, RFC 8725).

HS256 with a shared secret, or RS256/ES256 with a file of public keys (JWKS). Which of the two is a
setting, never the token's choice, so that no token can pick a weaker check for itself.
"""

import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from django.conf import settings

from coupons.errors import BadToken
from coupons.models import MAX_USER_BYTES

LEEWAY_S = 5  # clocks of shop and API may differ by so much


@dataclass(frozen=True, slots=True)
class Caller:
    """The user a token proves, and the segments the shop counts them to."""

    user: str
    segments: tuple[str, ...] = ()


def verify(token: str) -> Caller:
    """Raises BadToken with the reason."""
    try:
        said = jwt.decode(
            token,
            _key_for(token),
            algorithms=["RS256", "ES256"] if settings.JWT_JWKS_FILE else ["HS256"],
            audience=settings.JWT_AUDIENCE,
            issuer=settings.JWT_ISSUER,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise BadToken(f"The token is not valid: {error}") from None
    return Caller(_user(said["sub"]), _segments(said.get("segments", [])))


def mint(user: str, *, segments: tuple[str, ...] = (), lifetime_s: int = 300) -> str:
    """A token as the shop would sign it; for development, with the shared secret only.

    Raises BadToken for a user that no token may name.
    """
    said: dict[str, Any] = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "sub": _user(user),
        "exp": int(time.time()) + lifetime_s,
    }
    if segments:
        said["segments"] = list(segments)
    return jwt.encode(said, settings.JWT_HS256_SECRET, algorithm="HS256")


def _user(said: Any) -> str:
    try:
        size = len(said.encode()) if isinstance(said, str) else 0
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_USER_BYTES:
        raise BadToken(f"The token's subject is not text of 1 to {MAX_USER_BYTES} bytes.")
    return str(said)


def _segments(said: Any) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise BadToken("The token's segments are not a list of names.")
    return tuple(said)


def _key_for(token: str) -> Any:
    if not settings.JWT_JWKS_FILE:
        return settings.JWT_HS256_SECRET
    key_id = jwt.get_unverified_header(token).get("kid")
    found = _public_keys().get(key_id)
    if found is None:
        raise BadToken("The token is not valid: it names no key of ours.")
    return found


@cache
def _public_keys() -> dict[str | None, Any]:
    keys = jwt.PyJWKSet.from_dict(json.loads(Path(settings.JWT_JWKS_FILE).read_text())).keys
    return {key.key_id: key for key in keys}
