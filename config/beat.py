"""Beat on every consumer host, one of them at work: whoever holds the lease sends, the others wait.

Every `celery -A config beat` is one. The lease lives on the broker, since without a broker there is
nothing to send to. When its holder dies, another takes over after LEASE_MS; until then only bells
that were lost on the way wait longer. Should two ever beat at once (a broker that failed over),
each sends what is safe to be sent twice.

Who beats also keeps the messages on the broker few, and dates its own by Redis' clock.
"""

import logging
import os
import socket
from copy import copy
from typing import Any

from celery.beat import Scheduler

from config.worker.message_limits import BELLS, LEASE, MOST_BELLS, Broker, throw_away_old_bells
from coupons.broker import wakeups
from coupons.errors import StoreAway
from coupons.monitoring import clock_skew
from coupons.store import store

__all__ = ["BELLS", "LEASE", "MOST_BELLS", "Broker", "Lease", "Leased"]

LEASE_MS = 5_000  # longer than a beat takes to come round, shorter than anybody minds
ASK_AGAIN_S = 1.0

# KEYS: the lease. ARGV: who asks, for how many milliseconds. RETURN: 1 if it is theirs now.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# KEYS: the lease. ARGV: who leaves.
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"

logger = logging.getLogger(__name__)


class Lease:
    """One name on the broker, held by at most one process at a time."""

    def __init__(self, holder: str, broker: Broker | None = None) -> None:
        self._holder, self._broker = holder, broker or Broker()

    def take(self) -> bool:
        """Whether it is ours for the next LEASE_MS. A broker that is away has no lease to give."""
        return bool(self._broker.ask(_TAKE, LEASE, self._holder, LEASE_MS))

    def leave(self) -> None:
        self._broker.ask(_LEAVE, LEASE, self._holder)


class Leased(Scheduler):  # type: ignore[misc]
    """Celery's scheduler, idle while another process beats. Keeps its schedule in memory only:
    what a periodic task did last is in the stores, not in a file of one host."""

    def __init__(self, *args: Any, lazy: bool = False, **kwargs: Any) -> None:
        self._broker = Broker()
        self._lease = Lease(f"{socket.gethostname()}-{os.getpid()}", self._broker)
        self._beating = False
        super().__init__(*args, lazy=lazy, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Seconds until the next call."""
        ours = self._lease.take()
        if ours != self._beating:
            logger.warning("beating" if ours else "another host beats")
            self._beating = ours
        if ours:
            throw_away_old_bells(self._broker)
        clock_skew.reporter.report(f"beat@{socket.gethostname()}")
        return min(super().tick(*args, **kwargs), ASK_AGAIN_S) if ours else ASK_AGAIN_S

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Dated by Redis' clock, so that a worker can tell what has waited for too long."""
        dated = copy(entry)
        dated.options = entry.options | {"headers": {wakeups.SENT_MS: _redis_ms()}}
        return super().apply_async(dated, *args, **kwargs)

    def close(self) -> None:
        """Leaves the lease to another at once."""
        self._lease.leave()
        super().close()


def _redis_ms() -> int:
    """0 where Redis does not answer: then nobody can say how old the message is."""
    try:
        return store().now_ms()
    except StoreAway:
        return 0
