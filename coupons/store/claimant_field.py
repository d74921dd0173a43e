"""A claimant's field in the hash of a campaign's claimants: user and nth, in few bytes.

The claimants are one hash, where Redis finds a field with two or three steps in memory however many
there are. Spread over small packed hashes they would take less of it, and a crowd more time.
"""

from binascii import Error, a2b_base64, b2a_base64

_PACKED = b"\xff"  # what no UTF-8 text begins with
_PACKED_FROM = 32  # characters; shorter ids are left readable
# The 64 letters of base64url to those of base64, everything else to what is no letter of either.
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD = bytes(
    {ord("-"): ord("+"), ord("_"): ord("/")}.get(each, each if each in _LETTERS else ord("!"))
    for each in range(256)
)
_URLSAFE = bytes.maketrans(b"+/", b"-_")


def encode_field(user: str, nth: int, per_user: int) -> bytes:
    """The claimant's field. One to one: `nth` is left out only where it can't be but 1."""
    packed = pack_user(user.encode())
    return packed if per_user == 1 else b"%d:%b" % (nth, packed)


def decode_field(field: bytes, per_user: int) -> tuple[str, int]:
    """The inverse of `encode_field`: user and nth."""
    if per_user == 1:
        return unpack_user(field).decode(), 1
    nth, _, user = field.partition(b":")
    return unpack_user(user).decode(), int(nth)


def pack_user(user: bytes) -> bytes:
    """Long ids of letters, digits, - and _, such as UUIDs, in three quarters of their bytes: they
    are read as base64url, which leaves no two of them the same. Others stay what they are."""
    if len(user) < _PACKED_FROM or len(user) % 4:
        return user
    try:
        return _PACKED + a2b_base64(user.translate(_STANDARD), strict_mode=True)
    except Error:  # some other letter
        return user


def unpack_user(packed: bytes) -> bytes:
    """The inverse of `pack_user`."""
    if not packed.startswith(_PACKED):
        return packed
    return b2a_base64(packed[1:], newline=False).translate(_URLSAFE)
