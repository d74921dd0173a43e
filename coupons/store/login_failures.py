"""Rate limits on operators' login attempts, shared by all processes.

Passwords and codes have keys apart (`Kind`), so that no name that a stranger types with a password
can fill the counters of codes. An attempt counts in four counters: of its source (with this name),
of the name, of the address, and of all users. Each is a fixed window: it starts with the first
attempt and is then deleted whole.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from coupons.store import keys
from coupons.store.client import Script, SubjectCalls

FORGOTTEN_AFTER_S = 15 * 60
EVERYBODY_FORGOTTEN_AFTER_S = 60

ATTEMPT, SUCCESS = map(Script, ("login_attempt", "login_success"))


class Limit(IntEnum):
    """The four limits, with the numbers that `login_attempt.lua` uses."""

    SOURCE = 1
    NAME = 2
    ADDRESS = 3
    EVERYBODY = 4


class Kind(StrEnum):
    """What is tried: a part of the keys' names that no typed text reaches."""

    PASSWORD = ""
    CODE = "-code"


@dataclass(frozen=True, slots=True)
class Source:
    """The source of an attempt: a browser known to have logged in with this name before, or an
    address."""

    name: str
    address: str
    browser: str = ""
    kind: Kind = Kind.PASSWORD

    @property
    def field(self) -> str:
        return f"browser:{self.browser}" if self.browser else keys.name_digest(self.address)

    @property
    def names(self) -> tuple[str, str, str]:
        return (
            keys.login_name(self.name, self.kind),
            keys.login_address(self.address, self.kind),
            keys.login_everybody(self.kind),
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """`refused` is the limit that refused this attempt (None: allowed), `free_in_s` the seconds
    until it allows one again; `reached` are the limits that an allowed attempt has used up."""

    refused: Limit | None = None
    free_in_s: int = 0
    reached: tuple[Limit, ...] = ()


class LoginCalls(SubjectCalls):
    def count_attempt(self, source: Source, limits: dict[Limit, int]) -> Counted:
        """Count an attempt, unless a limit is reached. Atomic: concurrent attempts can't exceed a
        limit. A limit that is missing or 0 is not counted."""
        maxima = [limits.get(limit, 0) for limit in Limit]
        with self.guard_call():
            number, *counts = ATTEMPT(
                self.client, source.names, source.field, *maxima,
                FORGOTTEN_AFTER_S, EVERYBODY_FORGOTTEN_AFTER_S,
            )  # fmt: skip
        if number:
            return Counted(refused=Limit(number), free_in_s=max(1, -(-int(counts[0]) // 1000)))
        pairs = zip(Limit, counts, strict=True)
        reached = (limit for limit, count in pairs if count == limits.get(limit))
        return Counted(reached=tuple(reached))

    def forget_attempts(self, source: Source) -> None:
        """Take back this source's attempts after it has logged in."""
        names = source.names[:1] if source.browser else source.names
        with self.guard_call():
            SUCCESS(self.client, names, source.field)

    def unlock_name(self, name: str) -> int:
        """Delete the counters of a name, of the addresses that tried it, and of all users.
        Returns how many sources the name had attempts from, with passwords and with codes."""
        return sum(self._unlock_kind(name, kind) for kind in Kind)

    def _unlock_kind(self, name: str, kind: Kind) -> int:
        counter = keys.login_name(name, kind)
        with self.guard_call():
            fields: Any = self.client.hkeys(counter)
            sources = [field.decode() for field in fields if field != b"*"]
            addresses = [keys.login_address_of(one, kind) for one in sources if ":" not in one]
            self.client.delete(counter, keys.login_everybody(kind), *addresses)
        return len(sources)

    def unlock_all(self) -> int:
        """Delete every counter. Returns how many there were."""
        with self.guard_call():
            names = list(self.client.scan_iter(match=keys.LOGINS, count=1000))
            return int(self.client.delete(*names)) if names else 0
