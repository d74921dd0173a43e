"""Tokens drawn from a few bytes: rightly signed, of odd headers, payloads and spellings; and
what PyJWT says about them."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings

from coupons.errors import BadToken
from coupons.identity import user_tokens
from coupons.identity.user_tokens import Caller

TAPE_BYTES = 8
SECRET, FORMER, FOREIGN = ("the shop's " + letter * 40 for letter in "xyz")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
Spelling = Callable[[bytes], bytes]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs tokens: `key` is ours, or a key that we don't have (`is_ours` is false)."""

    algorithm: str
    key: Any
    kid: str | None = None
    is_ours: bool = True

    def sign(self, signed: bytes) -> bytes:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return algorithm.sign(signed, algorithm.prepare_key(self.key))

    @property
    def library_key(self) -> Any:
        return self.key if isinstance(self.key, str) else self.key.public_key()

    def headers(self) -> list[bytes]:
        """Headers that a shop may send with this key, in several spellings."""
        kid = {"kid": self.kid} if self.kid else {}
        plain = {"alg": self.algorithm, "typ": "JWT", **kid}
        good = [
            json.dumps(plain, separators=(",", ":")), json.dumps(plain),
            json.dumps(plain, indent=1),
            json.dumps({"typ": "at+jwt", **kid, "alg": self.algorithm, "x5t": "a" * 27}),
        ]  # fmt: skip
        return [text.encode() for text in good]


SHARED = (Signer("HS256", SECRET), Signer("HS256", FORMER), Signer("HS256", FOREIGN, None, False))
PUBLIC = (Signer("RS256", RSA, "rsa-1"), Signer("ES256", EC, "ec-1"), Signer("EdDSA", ED, "ed-1"))
ODD_HEADERS = [
    b'{"alg":"none"}', b"{}", b"[]", b"", b'{"alg":"HS256","crit":["x"],"x":1}',
    b'{"alg":"HS256","b64":false,"crit":["b64"]}', b'{"alg":"HS384"}',
    b'{"alg":"RS512","kid":"rsa-1"}',
    b'{"alg":"HS256","kid":"rsa-1"}', b'{"alg":"ES256","kid":"nosuch"}', b'{"alg":"HS256","kid":7}',
    b'{"alg":"HS256","typ":"logout+jwt"}', b'{"alg":"EdDSA"}', b'{"alg":"PS256","kid":"rsa-1"}',
]  # fmt: skip


def jwks() -> dict[str, Any]:
    """The public keys, as the shop publishes them."""
    entries = []
    for signer in PUBLIC:
        jwk: dict[str, Any] = json.loads(
            jwt.get_algorithm_by_name(signer.algorithm).to_jwk(signer.library_key)
        )
        entries.append(jwk | {"kid": signer.kid, "alg": signer.algorithm, "use": "sig"})
    return {"keys": entries}


class Tape:
    """Choices that follow from a few drawn bytes."""

    def __init__(self, seed: bytes) -> None:
        self._random = Random(seed)

    def byte(self) -> int:
        return self._random.getrandbits(8)

    def choose(self, options: Sequence[_T]) -> _T:
        return self._random.choice(options)

    def raw(self, size: int) -> bytes:
        return self._random.randbytes(size)


# Payloads


def _ordinary_claims(now: int) -> dict[str, Any]:
    return {
        "iss": settings.JWT_ISSUER, "aud": settings.JWT_AUDIENCE, "sub": "mina", "exp": now + 3600
    }  # fmt: skip


def _odd_values(now: int) -> list[tuple[str, Any]]:
    far = now + settings.JWT_LONGEST_S
    moments: list[Any] = [
        now - 3600, now - 3, now + 3600, now + 3600.5, far - 60, far + 60, 2**55, 2**62, 2**70, -1,
        None, "soon", str(now + 60), True, [], 1e300,
    ]  # fmt: skip
    texts: list[Any] = [
        "", "x", None, 7, ["coupons"], ["x", "coupons"], ["coupons", 7], [], {}, "Coupons",
        "https://shop.example", "https://shop.example/",
    ]  # fmt: skip
    times = [(name, value) for name in ("exp", "nbf", "iat") for value in moments]
    names = [(name, value) for name in ("iss", "aud", "sub", "jti") for value in texts]
    others = [("segments", ["gold"]), ("segments", "gold"), ("x", "é쿠폰🐣"), ("x", 10**30),
              ("nbf", now - 60), ("iat", now), ("jti", "a1"), ("sub", "x" * 129),
              ("exp", far + 60)]  # fmt: skip
    return times + names + 6 * others


NO_OBJECTS = (
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"true",
    b"[{}]",
    b"",
    b"{",
    b"1e999",
    b"\xef\xbb\xbf{}",
)
DEPTHS = (3, 60, 63, 64, 65, 300, 900, 970, 990, 1000, 1023, 1024, 5000)
HOSTILE = (
    b'"x":NaN', b'"x":-Infinity', b'"x":1e999', b'"x":' + b"9" * 4400, b'"x":"\\ud800"',
    b'"sub":"jun"', b'"exp":1', b'"x":"\xff"', b'"x":"\x01"', b'"x":01', b'"x":"\\x"', b'"x":1,',
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")


def draw_payload(tape: Tape) -> bytes:
    """The text of a payload; most are nearly ordinary."""
    claims = _draw_claims(tape)
    text = json.dumps(claims, ensure_ascii=tape.byte() % 2 == 0).encode()
    match tape.byte() % 16:
        case 0:
            return tape.choose(NO_OBJECTS)
        case 1:
            return text[:-1] + b"," + tape.choose(HOSTILE) + b"}"
        case 2:
            depth = tape.choose(DEPTHS)
            return text[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"
        case 3:
            return text.decode().encode(tape.choose(ENCODINGS))
        case 4:
            at = tape.byte() % len(text)
            return text[:at] + tape.raw(tape.byte() % 4) + text[at + tape.byte() % 3 :]
    return text


def _draw_claims(tape: Tape) -> dict[str, Any]:
    now = int(time.time())
    claims = _ordinary_claims(now)
    for _ in range(tape.choose((0, 0, 0, 1, 1, 1, 2, 3))):
        name, value = tape.choose(_odd_values(now))
        claims[name] = value
    if tape.byte() % 16 == 0:
        del claims[tape.choose(list(claims))]
    return claims


# Spellings of a segment

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def canonical(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _with_other_last_bits(segment: bytes) -> bytes:
    if len(segment) % 4 < 2 or segment[-1:] not in (*map(bytes, zip(_LETTERS, strict=True)),):
        return segment
    return segment[:-1] + bytes([_LETTERS[_LETTERS.index(segment[-1]) ^ 1]])


SPELLINGS: list[Spelling] = [
    lambda segment: segment + b"=" * (-len(segment) % 4),
    lambda segment: segment + b"=",
    lambda segment: segment[:5] + b"!" + segment[5:],
    lambda segment: segment[:7] + b"\n" + segment[7:],
    lambda segment: segment[:9] + b"." + segment[9:],
    lambda segment: segment + b"A",
    lambda segment: segment[:-1],
    lambda segment: segment.translate(bytes.maketrans(b"-_", b"+/")),
    lambda segment: b" " + segment,
    lambda segment: segment + "é".encode(),
    lambda _: b"",
    _with_other_last_bits,
]


def _spelled(tape: Tape, segment: bytes, *, one_in: int) -> bytes:
    if tape.byte() % one_in:
        return segment
    if tape.byte() % 6 == 0:
        return tape.raw(tape.byte() % 40)
    return tape.choose(SPELLINGS)(segment)


def draw_tokens(tape: Tape, signers: tuple[Signer, ...]) -> Iterator[str]:
    """Tokens of one payload: of each signer, with a header of its own and with another one, and
    each with its right signature in several spellings and with wrong ones."""
    payload = _spelled(tape, canonical(draw_payload(tape)), one_in=6)
    every_header = [header for signer in signers for header in signer.headers()]
    for signer in signers:
        other = tape.choose(every_header if tape.byte() % 4 else ODD_HEADERS)
        for header in (tape.choose(signer.headers()), other):
            signed = _spelled(tape, canonical(header), one_in=12) + b"." + payload
            signature = canonical(signer.sign(signed))
            for spelling in (None, tape.choose(SPELLINGS), tape.choose(SPELLINGS)):
                spelled = spelling(signature) if spelling else signature
                yield (signed + b"." + spelled).decode("latin-1")
            yield (signed + b"." + canonical(tape.raw(len(signature) * 3 // 4))).decode("latin-1")


# What the library says


def teach_headers(signers: tuple[Signer, ...]) -> int:
    """Show PyJWT a good token with each header of our keys, so that all are known. Returns how
    many."""
    taught = 0
    text = json.dumps(_ordinary_claims(int(time.time()))).encode()
    for signer in signers:
        for header in signer.headers() if signer.is_ours else ():
            signed = canonical(header) + b"." + canonical(text)
            token = signed + b"." + canonical(signer.sign(signed))
            user_tokens.verify_token(token.decode())
            taught += 1
    return taught


def library_claims(token: str, signers: tuple[Signer, ...]) -> dict[str, Any] | None:
    """The claims that PyJWT reads with one of our keys, the one that the token names."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError):
        return None
    for signer in signers:
        if signer.is_ours and signer.kid in (None, kid):
            try:
                return jwt.decode(
                    token, signer.library_key, algorithms=[signer.algorithm],
                    audience=settings.JWT_AUDIENCE, issuer=settings.JWT_ISSUER,
                    leeway=user_tokens.LEEWAY_S,
                    options={"require": ["exp", "iss", "aud", "sub"]},
                )  # fmt: skip
            except (jwt.PyJWTError, ValueError):
                continue
    return None


def is_canonical(token: str) -> bool:
    """Whether the token is spelled as RFC 7515 has it, by Python's own encoder."""
    parts = token.encode("latin-1").split(b".")
    try:
        raw = [base64.urlsafe_b64decode(part + b"==") for part in parts]
    except ValueError:
        return False
    return len(parts) == 3 and parts == [canonical(each) for each in raw]


def caller_of(claims: dict[str, Any]) -> Caller | None:
    """The user of accepted claims; None if our own rules refuse."""
    try:
        return Caller(
            user_tokens._checked_user(claims["sub"]),
            user_tokens._checked_segments(claims.get("segments", [])),
        )
    except BadToken:
        return None


def verified_caller(token: str) -> Caller | None:
    try:
        return user_tokens.verify_token(token)
    except BadToken:
        return None
