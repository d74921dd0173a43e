"""Leader election for Celery beat: it runs on every consumer host, and only the holder of a lease
sends tasks.

The lease is a key on the broker: without a broker there is nothing to send to. If its holder dies,
another beat takes over within LEASE_MS + ASK_AGAIN_S; until then only wake-ups that were lost on
the way are late. If two beats ever send at once (after a failover of the broker) no harm is done:
every periodic task is idempotent.

The holder also bounds the number of messages on the broker and stamps its own with Redis' time.
"""

import logging
import os
import socket
from copy import copy
from typing import Any

from celery.beat import Scheduler

from config.worker.queue_limits import LEASE, MOST_WAKEUPS, WAKEUP_QUEUE, Broker, trim_wakeups
from coupons.broker import wakeups
from coupons.errors import StoreAway
from coupons.monitoring import clock_skew
from coupons.store import store

__all__ = ["LEASE", "MOST_WAKEUPS", "WAKEUP_QUEUE", "Broker", "Lease", "LeasedScheduler"]

LEASE_MS = 5_000  # several times the interval of renewal; how long tasks may stop at a takeover
ASK_AGAIN_S = 1.0

# KEYS: the lease. ARGV: the caller's name, milliseconds. RETURN: 1 if the caller holds it now.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# Release. KEYS: the lease. ARGV: the caller's name. RETURN: 0.
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"

logger = logging.getLogger(__name__)


class Lease:
    """A lease on the broker, held by at most one process at a time."""

    def __init__(self, holder: str, broker: Broker | None = None) -> None:
        self._holder, self._broker = holder, broker or Broker()

    def take(self) -> bool:
        """Acquire or renew it for LEASE_MS. False if another process holds it, or if the broker
        does not answer."""
        return bool(self._broker.ask(_TAKE, LEASE, self._holder, LEASE_MS))

    def leave(self) -> None:
        self._broker.ask(_LEAVE, LEASE, self._holder)


class LeasedScheduler(Scheduler):  # type: ignore[misc]
    """Celery's scheduler, idle while another process holds the lease. Keeps its schedule in memory
    only: when a periodic task last ran is in the stores, not in a file of one host."""

    def __init__(self, *args: Any, lazy: bool = False, **kwargs: Any) -> None:
        self._broker = Broker()
        self._lease = Lease(f"{socket.gethostname()}-{os.getpid()}", self._broker)
        self._beating = False
        super().__init__(*args, lazy=lazy, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Returns the seconds until the next call."""
        holds_lease = self._lease.take()
        if holds_lease != self._beating:
            logger.warning(
                "acquired the beat lease"
                if holds_lease
                else "the beat lease is not held by this process"
            )
            self._beating = holds_lease
        if holds_lease:
            trim_wakeups(self._broker)
        clock_skew.reporter.current.report(f"beat@{socket.gethostname()}")
        return min(super().tick(*args, **kwargs), ASK_AGAIN_S) if holds_lease else ASK_AGAIN_S

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds a header with Redis' time, so that a worker can skip messages that waited too
        long."""
        dated = copy(entry)
        dated.options = entry.options | {"headers": {wakeups.SENT_MS: _redis_ms()}}
        return super().apply_async(dated, *args, **kwargs)

    def close(self) -> None:
        """Releases the lease, so that another process takes over at once."""
        self._lease.leave()
        super().close()


def _redis_ms() -> int:
    """Redis' time; 0 if it does not answer: then the message's age is unknown."""
    try:
        return store().server.now_ms()
    except StoreAway:
        return 0
