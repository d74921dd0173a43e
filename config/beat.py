"""Beat on every consumer host, one of them at work: whoever holds the lease sends, the others wait.

Started with `celery -A config beat --scheduler config.beat.Leased`. The lease lives on the broker,
since without a broker there is nothing to send to. When its holder dies, another takes over after
LEASE_MS; until then only bells that were lost on the way wait longer. Should two ever beat at once
(a broker that failed over), each sends what is safe to be sent twice.

Who beats also keeps the bells few: those that nobody heard, because no worker was there.
"""

import logging
import os
import socket
from typing import Any

from celery.beat import Scheduler
from kombu.exceptions import OperationalError

from config.celery import app

PREFIX = app.conf.broker_transport_options["global_keyprefix"]  # of all that Celery keeps there
LEASE = f"{PREFIX}beat-lease"
LEASE_MS = 5_000  # longer than a beat takes to come round, shorter than anybody minds
ASK_AGAIN_S = 1.0

# The bells of a thousand campaigns for ten seconds are some hundred. Workers that were away for a
# night would find a hundred thousand, expired ones too one by one, and store nothing meanwhile.
BELLS = PREFIX + app.conf.task_default_queue
MOST_BELLS = 1_000

# KEYS: the lease. ARGV: who asks, for how many milliseconds. RETURN: 1 if it is theirs now.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# KEYS: the lease. ARGV: who leaves.
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"
# KEYS: the bells, the newest first. ARGV: how many stay. RETURN: how many were thrown away.
_TRIM = """
local old = redis.call('LLEN', KEYS[1]) - ARGV[1]
if old <= 0 then return 0 end
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
return old
"""

logger = logging.getLogger(__name__)


class Broker:
    """A connection of our own to it, for what Celery does not ask."""

    def __init__(self, url: str | None = None) -> None:
        self._connection = app.connection_for_write(url)

    def ask(self, script: str, key: str, *arguments: str | int) -> Any:
        """The script's answer; None while the broker is away."""
        try:
            client = self._connection.default_channel.client
            return client.eval(script, 1, key, *arguments)
        except (OperationalError, OSError, *self._connection.connection_errors) as away:
            logger.warning("the broker is away (%s)", away)
            return None


class Lease:
    """One name on the broker, held by at most one process at a time."""

    def __init__(self, holder: str, broker: Broker | None = None) -> None:
        self._holder, self._broker = holder, broker or Broker()

    def take(self) -> bool:
        """Whether it is ours for the next LEASE_MS. A broker that is away has no lease to give."""
        return bool(self._broker.ask(_TAKE, LEASE, self._holder, LEASE_MS))

    def leave(self) -> None:
        self._broker.ask(_LEAVE, LEASE, self._holder)


def throw_away_old_bells(broker: Broker) -> None:
    """All but the newest MOST_BELLS. They carry nothing; the next sweep rings for what waits."""
    if old := broker.ask(_TRIM, BELLS, MOST_BELLS):
        logger.warning("%s bells that nobody heard were thrown away", old)


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
        return min(super().tick(*args, **kwargs), ASK_AGAIN_S) if ours else ASK_AGAIN_S

    def close(self) -> None:
        """Leaves the lease to another at once."""
        self._lease.leave()
        super().close()
