"""Beat on every consumer host, one of them at work: whoever holds the lease sends, the others wait.

Started with `celery -A config beat --scheduler config.beat.Leased`. The lease lives on the broker,
since without a broker there is nothing to send to. When its holder dies, another takes over after
LEASE_MS; until then only bells that were lost on the way wait longer. Should two ever beat at once
(a broker that failed over), each sends what is safe to be sent twice.
"""

import logging
import os
import socket
from typing import Any

from celery.beat import Scheduler
from kombu.exceptions import OperationalError

from config.celery import app

LEASE = "cq:beat-lease"  # beside what Celery keeps there
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

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self._connection = app.connection_for_write()

    def take(self) -> bool:
        """Whether it is ours for the next LEASE_MS. A broker that is away has no lease to give."""
        return bool(self._ask(_TAKE, LEASE_MS))

    def leave(self) -> None:
        self._ask(_LEAVE)

    def _ask(self, script: str, *arguments: int) -> Any:
        try:
            client = self._connection.default_channel.client
            return client.eval(script, 1, LEASE, self.holder, *arguments)
        except (OperationalError, OSError, *self._connection.connection_errors) as away:
            logger.warning("no lease: the broker is away (%s)", away)
            return None


class Leased(Scheduler):  # type: ignore[misc]
    """Celery's scheduler, idle while another process beats. Keeps its schedule in memory only:
    what a periodic task did last is in the stores, not in a file of one host."""

    def __init__(self, *args: Any, lazy: bool = False, **kwargs: Any) -> None:
        self._lease = Lease(f"{socket.gethostname()}-{os.getpid()}")
        self._beating = False
        super().__init__(*args, lazy=lazy, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Seconds until the next call."""
        ours = self._lease.take()
        if ours != self._beating:
            logger.warning("beating" if ours else "another host beats")
            self._beating = ours
        return min(super().tick(*args, **kwargs), ASK_AGAIN_S) if ours else ASK_AGAIN_S

    def close(self) -> None:
        """Leaves the lease to another at once."""
        self._lease.leave()
        super().close()
