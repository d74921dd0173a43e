"""The shop's public keys (JWKS, RFC 7517), read from a file."""

import json
import logging
import time
from pathlib import Path
from threading import Lock
from typing import Any

import jwt

from coupons.claims.hot_settings import settings
from coupons.errors import BadToken
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

READ_AGAIN_S = 60  # shortest time between two reads of the file, when tokens name unknown keys


def key_for(key_id: Any) -> Any:
    """The public key of this key id (`kid`; None: the key without one). Raises BadToken if there is
    none; OSError, ValueError if the file could never be read."""
    key = _keys.current.find(key_id)
    if key is None:
        raise BadToken("The token names no key of ours.")
    return key


def public_keys() -> int:
    """The number of keys in the file. Raises OSError, ValueError."""
    return len(_read_file())


def _read_file() -> dict[str | None, Any]:
    """The keys by key id. Raises OSError, ValueError."""
    try:
        keys = jwt.PyJWKSet.from_dict(json.loads(Path(settings.JWT_JWKS_FILE).read_text())).keys
    except jwt.PyJWTError as error:
        raise ValueError(str(error)) from None
    return {key.key_id: key for key in keys}


class _PublicKeys:
    """Cache of the shop's keys. Read once, and again when a token names an unknown key, since the
    shop may have added it; at most once in READ_AGAIN_S, so that made-up key ids cost nothing."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._by_id: dict[str | None, Any] = {}
        self._read_s = float(-READ_AGAIN_S)
        self._lock = Lock()

    def find(self, key_id: Any) -> Any:
        name = key_id if isinstance(key_id, str) else None
        if name not in self._by_id and time.monotonic() - self._read_s >= READ_AGAIN_S:
            with self._lock:
                self._read()
        return self._by_id.get(name)

    def _read(self) -> None:
        """If the file can't be read (it is being replaced), the known keys stay. If there are none
        yet, the error is raised: the token is not at fault."""
        if time.monotonic() - self._read_s < READ_AGAIN_S:
            return  # another thread has just read it
        self._read_s = time.monotonic()
        try:
            self._by_id = _read_file()
        except (OSError, ValueError):
            if not self._by_id:
                self._read_s = -READ_AGAIN_S
                raise
            logger.exception("%s can't be read", settings.JWT_JWKS_FILE)


_keys = ProcessState(_PublicKeys)


def forget_keys() -> None:
    """Empty the cache: the file is read again when a key is needed."""
    _keys.current.forget()
