"""The leaves of a campaign's tree: one for each place from 1, in order. Pure.

A leaf's data, version 1, 41 bytes:

    1 byte    0x01, the version
    8 bytes   the place, big-endian
    32 bytes  SHA-256 of the receipt's compact JWS, as ASCII; zeros for a place without a coupon

So whoever holds a receipt can compute the leaf, and nobody can guess a receipt from it: it ends
with an HMAC of 256 bits.
"""

from hashlib import sha256

from coupons.proof import merkle

VERSION = 1
_VERSION_BYTE = bytes([VERSION])
NO_RECEIPT = bytes(merkle.HASH_BYTES)


def leaf_data(place: int, receipt: str | None) -> bytes:
    """`receipt` None: the place has no coupon."""
    digest = NO_RECEIPT if receipt is None else sha256(receipt.encode("ascii")).digest()
    return _VERSION_BYTE + place.to_bytes(8, "big") + digest


def leaf_hash(place: int, receipt: str | None) -> bytes:
    return merkle.hash_leaf(leaf_data(place, receipt))
