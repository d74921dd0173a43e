"""Whether Redis has room for notes: they must never take the memory that claims need."""

import time

from coupons.runtime import ProcessState
from coupons.store import store

MOST_USED = 0.6  # of its memory, by everything in it: beyond it nothing is noted
ASKED_EVERY_S = 5.0


class _Room:
    __slots__ = ("has_room", "until_s")

    def __init__(self) -> None:
        self.has_room, self.until_s = True, 0.0


_room = ProcessState(_Room)


def has_room() -> bool:
    """As of the last ASKED_EVERY_S. Raises StoreFailure."""
    room, now_s = _room.current, time.monotonic()
    if now_s >= room.until_s:
        info = store().server.read_info()
        most, used = info.get("maxmemory"), info.get("used_memory")
        is_known = isinstance(most, int) and isinstance(used, int) and most > 0
        room.has_room = not is_known or int(str(used)) <= MOST_USED * int(str(most))
        room.until_s = now_s + ASKED_EVERY_S
    return room.has_room
