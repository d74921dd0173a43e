"""The keys that verify users' tokens, each bound to one algorithm (RFC 8725, 3.1).

`library_key` is what PyJWT verifies with. `has_signed` verifies directly, at a fraction of the
cost, and refuses every spelling of a signature that is not canonical: PyJWT decides about those.
"""

import hmac
from typing import Any, Protocol

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from coupons.claims.base64url import decode_segment, encode_segment

FEWEST_RSA_BITS = 2048  # NIST SP 800-131A
_HALF = 32  # bytes of each of the two numbers of an ES256 signature

_PKCS1, _SHA256, _ECDSA = padding.PKCS1v15(), SHA256(), ec.ECDSA(SHA256())
_HS256 = jwt.get_algorithm_by_name("HS256")


class VerificationKey(Protocol):
    """A key with its algorithm, as JOSE names it."""

    @property
    def algorithm(self) -> str: ...

    @property
    def library_key(self) -> Any: ...

    def has_signed(self, signed: bytes, signature: bytes) -> bool:
        """Whether this segment is the canonical signature of `signed`, header and payload."""
        ...


class SharedSecret:
    """HS256: a secret that the shop has, too."""

    algorithm = "HS256"

    def __init__(self, secret: str) -> None:
        """Raises ValueError if PyJWT refuses it: a public key is known to all and no secret."""
        try:
            self.library_key = _HS256.prepare_key(secret)
        except jwt.PyJWTError as error:
            raise ValueError(str(error)) from None
        self._mac = hmac.new(self.library_key, digestmod="sha256")

    def has_signed(self, signed: bytes, signature: bytes) -> bool:
        mac = self._mac.copy()
        mac.update(signed)
        return hmac.compare_digest(encode_segment(mac.digest()), signature)


class RsaKey:
    """RS256: RSASSA-PKCS1-v1_5 with SHA-256."""

    algorithm = "RS256"

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        """Raises ValueError if it is too short."""
        if key.key_size < FEWEST_RSA_BITS:
            raise ValueError(f"it has {key.key_size} bits, fewer than {FEWEST_RSA_BITS}")
        self.library_key = key

    def has_signed(self, signed: bytes, signature: bytes) -> bool:
        raw = decode_segment(signature)
        if raw is None:
            return False
        try:
            self.library_key.verify(raw, signed, _PKCS1, _SHA256)
        except (InvalidSignature, ValueError):
            return False
        return True


class EcKey:
    """ES256: ECDSA on P-256 with SHA-256."""

    algorithm = "ES256"

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        """Raises ValueError if it is on another curve."""
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError(f"its curve is {key.curve.name}, not P-256")
        self.library_key = key

    def has_signed(self, signed: bytes, signature: bytes) -> bool:
        raw = decode_segment(signature)
        if raw is None or len(raw) != 2 * _HALF:
            return False
        first, other = int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:])
        try:
            self.library_key.verify(encode_dss_signature(first, other), signed, _ECDSA)
        except (InvalidSignature, ValueError):
            return False
        return True


class EdKey:
    """EdDSA on Ed25519."""

    algorithm = "EdDSA"

    def __init__(self, key: ed25519.Ed25519PublicKey) -> None:
        self.library_key = key

    def has_signed(self, signed: bytes, signature: bytes) -> bool:
        raw = decode_segment(signature)
        if raw is None:
            return False
        try:
            self.library_key.verify(raw, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


def public_key_of(jwk: jwt.PyJWK) -> VerificationKey:
    """Raises ValueError if it is no public key that we verify with."""
    key = jwk.key
    match jwk.algorithm_name:
        case "RS256" if isinstance(key, rsa.RSAPublicKey):
            return RsaKey(key)
        case "ES256" if isinstance(key, ec.EllipticCurvePublicKey):
            return EcKey(key)
        case "EdDSA" if isinstance(key, ed25519.Ed25519PublicKey):
            return EdKey(key)
    raise ValueError(f"it is no public key for RS256, ES256 or EdDSA ({jwk.algorithm_name})")
