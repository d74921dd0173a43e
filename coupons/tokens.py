"""Who is asking: the user token, a signed JWT checked without a database (RFC 7519, RFC 8725).

HS256 with a shared secret, or RS256/ES256 with a file of public keys (JWKS). Which of the two is a
setting, never the token's choice, so that no token can pick a weaker check for itself.
"""

import base64
import hmac
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import jwt
import orjson

from coupons import signing
from coupons.errors import BadToken
from coupons.limits import MAX_USER_BYTES
from coupons.quick import settings

logger = logging.getLogger(__name__)

READ_AGAIN_S = 60  # the public keys, when a token names an unknown one
LEEWAY_S = 5  # clocks of shop and API may differ by so much


@dataclass(frozen=True, slots=True)
class Caller:
    """The user a token proves, and the segments the shop counts them to."""

    user: str
    segments: tuple[str, ...] = ()


# What nearly every library writes in front of an HS256 token, byte for byte.
_PLAIN_HEAD = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."  # {"alg":"HS256","typ":"JWT"}


def verify(token: str) -> Caller:
    """Raises BadToken with the reason."""
    said = _surely_good(token) or _decoded(token)
    return Caller(_user(said["sub"]), _segments(said.get("segments", [])))


def _surely_good(token: str) -> dict[str, Any] | None:
    """What a plain HS256 token says, if there is no doubt at all that it is good.

    A tenth of the library's cost, for the one kind of token that comes a hundred thousand times a
    second. Whatever is unusual, expired or wrong is left to the library, which has the last word.
    """
    raw = token.encode(errors="replace")
    signed, _, signature = raw.rpartition(b".")
    if settings.JWT_JWKS_FILE or not signed.startswith(_PLAIN_HEAD):
        return None
    right = signing.sign(settings.JWT_HS256_SECRET.encode(), signed)
    if not hmac.compare_digest(base64.urlsafe_b64encode(right).rstrip(b"="), signature):
        return None
    payload = signed[len(_PLAIN_HEAD) :]
    try:
        said = orjson.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return said if _is_for_us_now(said) else None
    except (ValueError, TypeError, KeyError):
        return None


def _is_for_us_now(said: dict[str, Any]) -> bool:
    """The claims in their simplest form: one audience, whole seconds, none of them in doubt."""
    now = time.time()
    not_before, issued = said.get("nbf", 0), said.get("iat", 0)
    return (
        said["iss"] == settings.JWT_ISSUER
        and said["aud"] == settings.JWT_AUDIENCE
        and type(said["exp"]) is int
        and said["exp"] > now
        and type(said["sub"]) is str
        and type(not_before) is int
        and type(issued) is int
        and not_before <= now >= issued
        and "jti" not in said  # the library checks its type
    )


def _decoded(token: str) -> dict[str, Any]:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise _refusal(error) from None
    key = _key_for(kid)
    try:
        return jwt.decode(
            token,
            key,
            algorithms=["RS256", "ES256"] if settings.JWT_JWKS_FILE else ["HS256"],
            audience=settings.JWT_AUDIENCE,
            issuer=settings.JWT_ISSUER,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise _refusal(error) from None


def _refusal(error: Exception) -> BadToken:
    """In words of ours: the library's may repeat parts of the token, and are English only."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return BadToken(f"The token lacks the claim '{error.claim}'.")
    for kind, sentence in _REASONS.items():
        if isinstance(error, kind):
            return BadToken(sentence)
    return BadToken("The token is malformed.")


_REASONS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidSignatureError: "The token's signature is wrong.",
    jwt.InvalidAlgorithmError: "The token's algorithm is not accepted.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.InvalidIssuerError: "The token is of another issuer.",
}


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


def _key_for(kid: Any) -> Any:
    if not settings.JWT_JWKS_FILE:
        return settings.JWT_HS256_SECRET
    found = _keys.find(kid)
    if found is None:
        raise BadToken("The token names no key of ours.")
    return found


def public_keys() -> int:
    """How many keys of the shop's there are to verify with. Raises OSError, ValueError."""
    return len(_in_file())


def _in_file() -> dict[str | None, Any]:
    """By their names. Raises OSError, ValueError."""
    try:
        keys = jwt.PyJWKSet.from_dict(json.loads(Path(settings.JWT_JWKS_FILE).read_text())).keys
    except jwt.PyJWTError as error:
        raise ValueError(str(error)) from None
    return {key.key_id: key for key in keys}


class _PublicKeys:
    """The shop's keys, read once, and again when a token names an unknown one: the shop may have
    added it. At most once in READ_AGAIN_S, so that made-up names cost nothing."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._by_id: dict[str | None, Any] = {}
        self._read_s = float(-READ_AGAIN_S)
        self._lock = Lock()

    def find(self, key_id: Any) -> Any:
        name = key_id if isinstance(key_id, str) else None
        if name not in self._by_id and time.monotonic() - self._read_s >= READ_AGAIN_S:
            with self._lock:
                self._read()
        return self._by_id.get(name)

    def _read(self) -> None:
        """A file that can't be read (it is being replaced) leaves what is known; where nothing is
        known yet, that is a failure, and no fault of the token's."""
        if time.monotonic() - self._read_s < READ_AGAIN_S:
            return  # another thread has just done it
        self._read_s = time.monotonic()
        try:
            self._by_id = _in_file()
        except (OSError, ValueError):
            if not self._by_id:
                self._read_s = -READ_AGAIN_S
                raise
            logger.exception("%s can't be read", settings.JWT_JWKS_FILE)


_keys = _PublicKeys()


def forget_keys() -> None:
    """Read them again when next needed."""
    _keys.forget()
