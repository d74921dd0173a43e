"""Attempts of operators to log in, counted for all processes together.

An attempt counts by its source (with this name), by name, by address, and for everybody. Times are
counted from the first attempt; then all of the counter is forgotten.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from coupons.store import keys
from coupons.store.client import Script, StoreClient

FORGOTTEN_AFTER_S = 15 * 60
EVERYBODY_FORGOTTEN_AFTER_S = 60

ATTEMPT, SUCCESS = map(Script, ("login_attempt", "login_success"))


class Limit(IntEnum):
    """As the script numbers them."""

    SOURCE = 1
    NAME = 2
    ADDRESS = 3
    EVERYBODY = 4


@dataclass(frozen=True, slots=True)
class Source:
    """Who tries: a browser that this name has logged in with before, or whoever has an address."""

    name: str
    address: str
    browser: str = ""

    @property
    def field(self) -> str:
        return f"browser:{self.browser}" if self.browser else keys.name_digest(self.address)

    @property
    def names(self) -> tuple[str, str, str]:
        return keys.login_name(self.name), keys.login_address(self.address), keys.LOGIN_EVERYBODY


@dataclass(frozen=True, slots=True)
class Counted:
    """`refused` is the limit that was reached before this attempt, `reached` are those that no
    further attempt may pass after it."""

    refused: Limit | None = None
    free_in_s: int = 0
    reached: tuple[Limit, ...] = ()


class LoginCalls(StoreClient):
    def count_login(self, source: Source, limits: dict[Limit, int]) -> Counted:
        """Count an attempt, unless a limit is reached. Atomic: many at once don't get past it."""
        most = [limits.get(limit, 0) for limit in Limit]
        with self.asking():
            number, *said = ATTEMPT(
                self.client, source.names, source.field, *most,
                FORGOTTEN_AFTER_S, EVERYBODY_FORGOTTEN_AFTER_S,
            )  # fmt: skip
        if number:
            return Counted(refused=Limit(number), free_in_s=max(1, -(-int(said[0]) // 1000)))
        counts = zip(Limit, said, strict=True)
        return Counted(reached=tuple(one for one, count in counts if count == limits.get(one)))

    def forget_login(self, source: Source) -> None:
        """The source has logged in."""
        names = source.names[:1] if source.browser else source.names
        with self.asking():
            SUCCESS(self.client, names, source.field)

    def unlock(self, name: str) -> int:
        """Forget all attempts with a name, those of the addresses that made them, and how many
        everybody has made. Returns how many sources are free again."""
        with self.asking():
            fields: Any = self.client.hkeys(keys.login_name(name))
            sources = [field.decode() for field in fields if field != b"*"]
            addresses = [keys.login_address_of(field) for field in sources if ":" not in field]
            self.client.delete(keys.login_name(name), keys.LOGIN_EVERYBODY, *addresses)
        return len(sources)

    def unlock_all(self) -> int:
        """Forget every attempt. Returns how many counters there were."""
        with self.asking():
            found = list(self.client.scan_iter(match=keys.LOGINS, count=1000))
            return int(self.client.delete(*found)) if found else 0
