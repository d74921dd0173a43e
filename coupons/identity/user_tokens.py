"""The user token: a signed JWT, verified without a database (RFC 7519, RFC 8725).

HS256 with a secret shared with the shop, or RS256, ES256 or EdDSA with a file of its public keys
(JWKS). A setting decides which of the two, and each key has its one algorithm; the token's header
chooses neither, so that no token can choose a weaker check.
"""

import time
from dataclasses import dataclass
from typing import Any

import jwt

from coupons.claims.base64url import decode_segment
from coupons.claims.hot_settings import settings
from coupons.claims.limits import MAX_USER_BYTES
from coupons.errors import BadToken
from coupons.identity.fast_verify import verify_fast
from coupons.identity.key_set import KeySet
from coupons.identity.keys_in_force import current_keys, look_for_new_keys
from coupons.identity.verification_keys import VerificationKey

LEEWAY_S = 5  # tolerated difference between the clocks of shop and API
_PARTS = 3  # header, payload, signature
_TYPES = ("jwt", "at+jwt")  # `typ`, in any case (RFC 9068); absent is good as well


@dataclass(frozen=True, slots=True)
class Caller:
    """The user of a verified token, and the segments the shop has put the user in."""

    user: str
    segments: tuple[str, ...] = ()


def verify_token(token: str) -> Caller:
    """The user of a valid token. Raises BadToken with the reason; OSError, ValueError if the file
    of public keys could never be read."""
    claims = verify_fast(token) or _verify_with_pyjwt(token)
    return Caller(_checked_user(claims["sub"]), _checked_segments(claims.get("segments", [])))


def _verify_with_pyjwt(token: str) -> dict[str, Any]:
    """PyJWT's verdict, which counts. A header that it has accepted is verified by ourselves from
    then on."""
    _check_spelling(token)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise _refusal(error) from None
    _check_type(header.get("typ", "JWT"))
    keys, key = _key_for(token, header.get("kid"))
    claims = _decoded(token, key)
    if int(claims["exp"]) > time.time() + settings.JWT_LONGEST_S + LEEWAY_S:
        raise BadToken("The token is valid for too long.")
    keys.learn_header(token.encode().partition(b".")[0], key)
    return claims


def _decoded(token: str, key: VerificationKey) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.library_key,
            algorithms=[key.algorithm],
            audience=settings.JWT_AUDIENCE,
            issuer=settings.JWT_ISSUER,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise _refusal(error) from None
    return claims


def _check_spelling(token: str) -> None:
    """PyJWT passes over padding and bits that no byte has: a token has one spelling (RFC 7515)."""
    parts = token.encode(errors="replace").split(b".")
    if len(parts) != _PARTS or any(decode_segment(part) is None for part in parts):
        raise BadToken("The token is malformed.")


def _check_type(kind: Any) -> None:
    """What is signed with the same key for another purpose (a logout, an event) is no user's
    token (RFC 8725, 3.11)."""
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise BadToken("The token is of another type.")


def _key_for(token: str, key_id: Any) -> tuple[KeySet, VerificationKey]:
    """The key that PyJWT is to verify with: of several the one that has signed the token, or else
    the newest. Raises BadToken if there is none."""
    keys = current_keys()
    candidates = keys.named(key_id)
    if not candidates:
        keys = look_for_new_keys()
        candidates = keys.named(key_id)
    if not candidates:
        raise BadToken("The token names no key of ours.")
    signed, _, signature = token.encode().rpartition(b".")
    signers = (key for key in candidates[1:] if key.has_signed(signed, signature))
    return keys, next(signers, candidates[0])


def _refusal(error: Exception) -> BadToken:
    """PyJWT's error in our own words: PyJWT's message may repeat parts of the token, and can't be
    translated."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return BadToken(f"The token lacks the claim '{error.claim}'.")
    for kind, sentence in _REFUSAL_TEXTS.items():
        if isinstance(error, kind):
            return BadToken(sentence)
    return BadToken("The token is malformed.")


_REFUSAL_TEXTS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidSignatureError: "The token's signature is wrong.",
    jwt.InvalidAlgorithmError: "The token's algorithm is not accepted.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.InvalidIssuerError: "The token is of another issuer.",
}


def mint_token(user: str, *, segments: tuple[str, ...] = (), lifetime_s: int = 300) -> str:
    """A token as the shop signs it; for development, with the shared secret only.

    Raises BadToken if the user id is not valid in a token.
    """
    claims: dict[str, Any] = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "sub": _checked_user(user),
        "exp": int(time.time()) + lifetime_s,
    }
    if segments:
        claims["segments"] = list(segments)
    return jwt.encode(claims, settings.JWT_HS256_SECRET, algorithm="HS256")


def _checked_user(subject: Any) -> str:
    try:
        size = len(subject.encode()) if isinstance(subject, str) else 0
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_USER_BYTES:
        raise BadToken(f"The token's subject is not text of 1 to {MAX_USER_BYTES} bytes.")
    return str(subject)


def _checked_segments(segments: Any) -> tuple[str, ...]:
    if not isinstance(segments, list) or not all(isinstance(name, str) for name in segments):
        raise BadToken("The token's segments are not a list of names.")
    return tuple(segments)
