"""Receipts: the signed proof of an admission, a compact JWS (RFC 7515, HS256).

Computed from the campaign's key, never looked up, deterministic to the byte.
"""

import base64
import hmac
from dataclasses import dataclass
from functools import lru_cache

import orjson

from coupons.claims import hmac_sha256
from coupons.claims.base64url import decode_segment
from coupons.claims.campaign_keys import CampaignKey
from coupons.claims.stranger_json import json_from_stranger
from coupons.claims.stranger_text import LARGEST_NUMBER

RECEIPT_TYPE = "coupon-receipt+jwt"


@lru_cache(maxsize=64)
def _receipt_head(key_id: str) -> bytes:
    head = {"alg": "HS256", "kid": key_id, "typ": RECEIPT_TYPE}
    return _b64(orjson.dumps(head)) + b"."


def sign_receipt(
    key: CampaignKey, slug: str, user: str, nth: int, place: int, admitted_ms: int
) -> str:
    """The receipt of an admission, as a compact JWS. Deterministic."""
    payload = {
        "campaign": slug,
        "sub": user,
        "nth": nth,
        "place": place,
        "admitted_ms": admitted_ms,
    }
    signed = _receipt_head(key.key_id) + _b64(orjson.dumps(payload))
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
    receipt = parse_receipt(token)
    if receipt is None:
        return None
    expected = sign_receipt(
        key, receipt.campaign, receipt.user, receipt.nth, receipt.place, receipt.admitted_ms
    )
    return receipt if hmac.compare_digest(expected.encode(), token.encode()) else None


def parse_receipt(token: str) -> Receipt | None:
    """The contents of a receipt, without checking its signature; None if it is malformed."""
    try:
        _, payload, _ = token.encode("ascii").split(b".")
        contents = json_from_stranger(decode_segment(payload) or b"")
        receipt = Receipt(
            contents["campaign"],
            contents["sub"],
            contents["nth"],
            contents["place"],
            contents["admitted_ms"],
        )
    except (ValueError, KeyError, TypeError):
        return None
    return receipt if _is_possible(receipt) else None


def _is_possible(receipt: Receipt) -> bool:
    """Whether we can have signed it, by its types."""
    texts = (receipt.campaign, receipt.user)
    numbers = (receipt.nth, receipt.place, receipt.admitted_ms)
    return all(isinstance(text, str) for text in texts) and all(
        type(number) is int and 0 <= number < LARGEST_NUMBER for number in numbers
    )


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
