"""Coupon codes and receipts: computed from a key, never looked up, the same every time.

A code is 75 bits of HMAC-SHA256 under the campaign's own key, as 15 symbols of Crockford's base 32
(https://www.crockford.com/base32.html) and one check symbol, Luhn mod 32 in place of Crockford's
mod 37, whose extra symbols are awkward to type. A receipt is a compact JWS (RFC 7515, HS256).
"""

import base64
import hmac
from dataclasses import dataclass
from functools import lru_cache

import jwt
import orjson

from coupons import signing

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I L O U
LENGTH = 16  # symbols, the check symbol included
RECEIPT_TYPE = "coupon-receipt+jwt"

_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # 10 bits at a time
_SHIFTS = range(70, -1, -10)  # the last symbol of the eighth pair is not used
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
# What Luhn mod 32 makes of a symbol in a doubled position: 2v written in base 32, digits added.
_DOUBLED = {symbol: 2 * v // 32 + 2 * v % 32 for symbol, v in _VALUE.items()}
_PAIR_TOTAL = [_DOUBLED[pair[0]] + _VALUE[pair[1]] for pair in _PAIRS]
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


@dataclass(frozen=True, slots=True)
class CampaignKey:
    """The secrets of one campaign, derived from a master key; `key_id` names the master."""

    key_id: str
    code: bytes
    receipt: bytes


@lru_cache(maxsize=4096)
def campaign_key(key_id: str, master: bytes, slug: str) -> CampaignKey:
    """Derive a campaign's own keys, so that one leaked campaign key opens no other campaign."""
    return CampaignKey(
        key_id,
        hmac.digest(master, b"code/" + slug.encode(), "sha256"),
        hmac.digest(master, b"receipt/" + slug.encode(), "sha256"),
    )


def coupon_code(key: CampaignKey, user: str, nth: int, place: int) -> str:
    """The 16 symbols that belong to this place of this user."""
    said = b"%d/%d/" % (nth, place) + user.encode()
    number = int.from_bytes(signing.sign(key.code, said)[:10])
    pairs = [number >> shift & 1023 for shift in _SHIFTS]
    symbols = "".join([_PAIRS[pair] for pair in pairs])
    total = sum([_PAIR_TOTAL[pair] for pair in pairs]) - _VALUE[symbols[-1]]
    return symbols[:-1] + ALPHABET[-total % 32]


def _check_symbol(symbols: str) -> str:
    total = sum(map(_DOUBLED.__getitem__, symbols[-1::-2])) + sum(
        map(_VALUE.__getitem__, symbols[-2::-2])
    )
    return ALPHABET[-total % 32]


def normalise(typed: str) -> str | None:
    """The code a person meant (case, hyphens, spaces, O/0, I/L/1), or None if it can't be one."""
    code = typed.upper().translate(_READ_AS)
    if len(code) != LENGTH or not all(symbol in _VALUE for symbol in code):
        return None
    return code if _check_symbol(code[:-1]) == code[-1] else None


def grouped(code: str) -> str:
    """As people read it: XXXX-XXXX-XXXX-XXXX."""
    return f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}"


@lru_cache(maxsize=64)
def _receipt_head(key_id: str) -> bytes:
    head = {"alg": "HS256", "kid": key_id, "typ": RECEIPT_TYPE}
    return _b64(orjson.dumps(head)) + b"."


def receipt(key: CampaignKey, slug: str, user: str, nth: int, place: int, admitted_ms: int) -> str:
    """The signed proof of an admission; the same bytes every time it is asked for."""
    said = {"campaign": slug, "sub": user, "nth": nth, "place": place, "admitted_ms": admitted_ms}
    signed = _receipt_head(key.key_id) + _b64(orjson.dumps(said))
    return (signed + b"." + _b64(signing.sign(key.receipt, signed))).decode()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says: who was admitted where, on which place, when (ms)."""

    campaign: str
    user: str
    nth: int
    place: int
    admitted_ms: int


def read_receipt(key: CampaignKey, token: str) -> Receipt | None:
    """What a genuine receipt says, or None: one that we would write today, to the byte."""
    said = claimed_by(token)
    if said is None:
        return None
    ours = receipt(key, said.campaign, said.user, said.nth, said.place, said.admitted_ms)
    return said if hmac.compare_digest(ours.encode(), token.encode()) else None


def claimed_by(token: str) -> Receipt | None:
    """What a receipt says of itself, genuine or not; None if it is no receipt at all."""
    try:
        said = jwt.decode(token, options={"verify_signature": False})
        found = Receipt(
            said["campaign"], said["sub"], said["nth"], said["place"], said["admitted_ms"]
        )
    except (jwt.InvalidTokenError, KeyError, ValueError):
        return None
    numbers = (found.nth, found.place, found.admitted_ms)
    is_sound = isinstance(found.campaign, str) and isinstance(found.user, str)
    return found if is_sound and all(type(number) is int for number in numbers) else None


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
