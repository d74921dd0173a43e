"""The keys in force, and the headers of tokens that PyJWT has accepted with each of them.

Whether PyJWT accepts a header depends on its bytes and on the key alone. So what it has accepted
once with a key need not be parsed again, whatever its spelling: the next token that begins with the
same bytes is verified directly. A stranger can add no header, since only a token with a valid
signature teaches one.
"""

from collections.abc import Mapping

from coupons.identity.verification_keys import VerificationKey

Keys = tuple[VerificationKey, ...]

MOST_HEADERS = 64  # a shop that sends more has something of each token in its header
_NONE: Keys = ()


class KeySet:
    """Keys that stay as they are; when they change, another set with no headers takes its place. So
    a request that began with a key that has left teaches the new set nothing."""

    def __init__(self, *, by_id: Mapping[str | None, VerificationKey], for_all: Keys = ()) -> None:
        """`by_id`: None is the key of tokens that name none. `for_all`: keys that may have signed
        any token, whatever it names."""
        self._by_id, self._for_all = by_id, for_all
        self._by_header: dict[bytes, Keys] = {}

    def __len__(self) -> int:
        return len(self._by_id) + len(self._for_all)

    def named(self, key_id: str | None) -> Keys:
        """The keys that may have signed a token which names this one, the newest first."""
        if self._for_all:
            return self._for_all
        key = self._by_id.get(key_id)
        return _NONE if key is None else (key,)

    def with_header(self, header: bytes) -> Keys:
        """The keys with which PyJWT has accepted a token that began with this segment."""
        return self._by_header.get(header, _NONE)

    def learn_header(self, header: bytes, key: VerificationKey) -> None:
        """PyJWT has accepted a token that begins with this segment, with this key."""
        known = self.with_header(header)
        if key in known:
            return
        if len(self._by_header) >= MOST_HEADERS:
            self._by_header.clear()
        self._by_header[header] = (*known, key)
