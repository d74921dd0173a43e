"""The shop's public keys (JWKS, RFC 7517), read from a file."""

import json
import logging
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

from coupons.identity.verification_keys import VerificationKey, public_key_of

logger = logging.getLogger(__name__)

Version = tuple[int, int, int]


def file_version(path: str) -> Version:
    """What changes when the file is written again or replaced. Raises OSError."""
    found = Path(path).stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_keys(path: str) -> dict[str | None, VerificationKey]:
    """The usable keys by key id (`kid`); None: the only key of the file, without one.

    Raises OSError; ValueError if there is none. A key that can't be used is left out: identity
    providers publish keys of other uses in the same file.
    """
    try:
        document = json.loads(Path(path).read_text())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("it is no JWKS: an object with a list of keys")
    pairs = [pair for number, entry in enumerate(entries, 1) if (pair := _usable(number, entry))]
    found: dict[str | None, VerificationKey] = {}
    for key_id, key in pairs:
        if key_id is None and len(pairs) > 1:
            logger.warning("a key of several in %s has no kid, and is not used", path)
        elif key_id in found:
            raise ValueError(f"two of its keys are called {key_id!r}")
        else:
            found[key_id] = key
    if not found:
        raise ValueError("it holds no key for RS256, ES256 or EdDSA")
    return found


def _usable(number: int, entry: Any) -> tuple[str | None, VerificationKey] | None:
    """The key of an entry with its id; None if it is for another use, or, with a log line, if it
    can't be used."""
    try:
        if not _verifies(entry):
            return None
        return _key_id(entry), public_key_of(jwt.PyJWK(entry))
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError) as error:
        # PyJWT's message may repeat the key, which may be a private one.
        why = type(error).__name__ if isinstance(error, jwt.PyJWTError) else error
        logger.warning("key %d of the shop's public keys is not used: %s", number, why)
        return None


def _verifies(entry: Any) -> bool:
    """Whether the key is meant for verifying signatures."""
    if not isinstance(entry, dict):
        raise TypeError("it is no object")
    return entry.get("use", "sig") == "sig" and "verify" in entry.get("key_ops", ["verify"])


def _key_id(entry: dict[str, Any]) -> str | None:
    key_id = entry.get("kid")
    if not isinstance(key_id, str | None):
        raise TypeError("its kid is no text")
    return key_id
