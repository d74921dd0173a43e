"""Base64url as JWS has it (RFC 7515): without padding, and in its one canonical spelling."""

import binascii

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def encode_segment(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).rstrip(b"=")


def decode_segment(segment: bytes) -> bytes | None:
    """The bytes of a canonical segment; None for every other spelling: padding, other letters,
    bits that no byte has. Python's decoder skips letters that it does not know."""
    try:
        raw = binascii.a2b_base64(segment.translate(_TO_STANDARD) + b"==")
    except binascii.Error:
        return None
    spelled = binascii.b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).rstrip(b"=")
    return raw if spelled == segment else None
