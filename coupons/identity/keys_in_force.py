"""The keys that verify tokens in this process: the secrets shared with the shop, or the shop's
public keys, whose file is looked at once a minute."""

import logging
import time
from math import inf
from threading import Lock

from django.core.signals import setting_changed

from coupons.claims.hot_settings import settings
from coupons.identity import jwks
from coupons.identity.key_set import KeySet
from coupons.identity.verification_keys import SharedSecret
from coupons.runtime import ProcessState

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 60  # between two looks at the file: so long a key that has left may be believed
UNKNOWN_AGAIN_S = 1  # the same when a token names a key that the file may have got since


def current_keys() -> KeySet:
    """The keys in force. Raises OSError, ValueError if there never were any."""
    keys = _keys.current
    known = keys.known
    if known is None or (keys.watches_file and time.monotonic() >= keys.look_at_s):
        return keys.look_again(LOOK_AGAIN_S)
    return known


def look_for_new_keys() -> KeySet:
    """The keys in force, after a look at the file: a token names a key that we don't have."""
    return _keys.current.look_again(UNKNOWN_AGAIN_S)


def forget_keys() -> None:
    """They are read again when they are needed next."""
    _keys.make_anew()


class _KeysInForce:
    def __init__(self) -> None:
        self.known: KeySet | None = None
        self.watches_file = False  # secrets stay as long as the process
        self.look_at_s = -inf  # when to look again, by the monotonic clock
        self._looked_s = -inf
        self._version: jwks.Version | None = None
        self._lock = Lock()

    def look_again(self, after_s: float) -> KeySet:
        """The keys, after a look if the last one is so long ago. While one thread looks, the others
        go on with the keys that are known. Raises OSError, ValueError if there never were any."""
        known = self.known
        if known is not None and self._lock.locked():
            return known
        with self._lock:
            now = time.monotonic()
            if self.known is None or now - self._looked_s >= after_s:
                self.known = self._look(self.known)
                self._looked_s = now
                self.look_at_s = now + LOOK_AGAIN_S
                self.watches_file = bool(settings.JWT_JWKS_FILE)
            return self.known

    def _look(self, known: KeySet | None) -> KeySet:
        """A file that can't be read (it is being replaced) changes nothing. If no keys are known
        yet, the error is raised: the token is not at fault."""
        path = settings.JWT_JWKS_FILE
        if not path:
            return KeySet(by_id={}, for_all=_shared_secrets())
        try:
            version = jwks.file_version(path)
            if known is not None and version == self._version:
                return known
            found = KeySet(by_id=jwks.read_keys(path))
        except (OSError, ValueError):
            if known is None:
                raise
            logger.exception("%s can't be read", path)
            return known
        self._version = version
        return found


def _shared_secrets() -> tuple[SharedSecret, ...]:
    """The newest first."""
    return tuple(
        SharedSecret(secret) for secret in (settings.JWT_HS256_SECRET, *settings.JWT_HS256_PREVIOUS)
    )


_keys = ProcessState(_KeysInForce)


def _forget_on_change(*, setting: str, **_: object) -> None:
    """A test has changed a setting."""
    if setting.startswith("JWT_"):
        forget_keys()


setting_changed.connect(_forget_on_change)
