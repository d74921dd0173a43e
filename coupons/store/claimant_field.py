"""Encoding of a claimant (user and nth) as a short field of the hash of a campaign's claimants.

All claimants of a campaign are one hash: Redis finds a field in two or three memory accesses,
whatever its size. Many small packed hashes would take less memory, but more time under load.
"""

from binascii import Error, a2b_base64, b2a_base64

_PACKED = b"\xff"  # marks a packed user id: no UTF-8 text begins with this byte
_PACKED_FROM = 32  # characters; shorter ids stay readable
# Translates base64url's alphabet to base64's, and every other byte to "!", which is in neither.
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD = bytes(
    {ord("-"): ord("+"), ord("_"): ord("/")}.get(byte, byte if byte in _LETTERS else ord("!"))
    for byte in range(256)
)
_URLSAFE = bytes.maketrans(b"+/", b"-_")


def encode_field(user: str, nth: int, per_user: int) -> bytes:
    """The claimant's field. One to one: `nth` is left out only if it can only be 1."""
    packed = pack_user(user.encode())
    return packed if per_user == 1 else b"%d:%b" % (nth, packed)


def decode_field(field: bytes, per_user: int) -> tuple[str, int]:
    """The inverse of `encode_field`: user and nth."""
    if per_user == 1:
        return unpack_user(field).decode(), 1
    nth, _, user = field.partition(b":")
    return unpack_user(user).decode(), int(nth)


def pack_user(user: bytes) -> bytes:
    """Pack long ids of letters, digits, - and _ (such as UUIDs) into three quarters of their bytes,
    by decoding them as base64url; different ids stay different. Other ids stay unchanged."""
    if len(user) < _PACKED_FROM or len(user) % 4:
        return user
    try:
        return _PACKED + a2b_base64(user.translate(_STANDARD), strict_mode=True)
    except Error:  # a character that is not in base64url
        return user


def unpack_user(packed: bytes) -> bytes:
    """The inverse of `pack_user`."""
    if not packed.startswith(_PACKED):
        return packed
    return b2a_base64(packed[1:], newline=False).translate(_URLSAFE)
