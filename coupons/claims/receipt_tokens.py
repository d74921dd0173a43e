"""Receipts: the signed proof of an admission, a compact JWS (RFC 7515, HS256).

Computed from the campaign's key, never looked up, deterministic to the byte.
"""

import base64
import hmac
from dataclasses import dataclass
from functools import lru_cache

import jwt
import orjson

from coupons.claims import hmac_sha256
from coupons.claims.campaign_keys import CampaignKey

RECEIPT_TYPE = "coupon-receipt+jwt"


@lru_cache(maxsize=64)
def _receipt_head(key_id: str) -> bytes:
    head = {"alg": "HS256", "kid": key_id, "typ": RECEIPT_TYPE}
    return _b64(orjson.dumps(head)) + b"."


def sign_receipt(
    key: CampaignKey, slug: str, user: str, nth: int, place: int, admitted_ms: int
) -> str:
    """The receipt of an admission, as a compact JWS. Deterministic."""
    said = {"campaign": slug, "sub": user, "nth": nth, "place": place, "admitted_ms": admitted_ms}
    signed = _receipt_head(key.key_id) + _b64(orjson.dumps(said))
    return (signed + b"." + _b64(hmac_sha256.hmac_sha256(key.receipt, signed))).decode()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The contents of a receipt: campaign, user, nth, place and moment (ms) of an admission."""

    campaign: str
    user: str
    nth: int
    place: int
    admitted_ms: int


def read_receipt(key: CampaignKey, token: str) -> Receipt | None:
    """The contents of a genuine receipt, else None. Genuine: signing the contents again gives the
    same bytes."""
    said = claimed_by(token)
    if said is None:
        return None
    ours = sign_receipt(key, said.campaign, said.user, said.nth, said.place, said.admitted_ms)
    return said if hmac.compare_digest(ours.encode(), token.encode()) else None


def claimed_by(token: str) -> Receipt | None:
    """The contents of a receipt, without checking its signature; None if it is malformed."""
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
