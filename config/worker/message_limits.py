"""What we ask of the broker beside Celery, and what keeps messages from piling up there.

No message has an expiry date: Celery compares the sender's clock with the worker's, and a worker
whose clock is ahead would discard everything in silence. Messages are kept few by their number.
The wake-ups of a thousand campaigns for ten seconds are some hundred; workers that were away for a
night would find a hundred thousand and store nothing meanwhile. They carry nothing: the next sweep
sends new ones for what waits.
"""

import logging
from typing import Any

from kombu.exceptions import OperationalError

from config.celery import app

PREFIX = app.conf.broker_transport_options["global_keyprefix"]  # of all that Celery keeps there
BELLS = PREFIX + app.conf.task_default_queue
MOST_BELLS = 1_000
LEASE = f"{PREFIX}beat-lease"  # of the beat at work: see config.beat
MOST_CANARIES = 10  # one comes every two seconds
CANARIES_FORGOTTEN_AFTER_S = 120  # by the broker's clock: the queue of a host that is gone

# KEYS: a queue, the newest message first. ARGV: how many stay. RETURN: how many were removed.
_TRIM = """
local old = redis.call('LLEN', KEYS[1]) - ARGV[1]
if old <= 0 then return 0 end
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
return old
"""
# The same, and ARGV 2: seconds until the whole queue is removed.
_TRIM_AND_FORGET = f"redis.call('EXPIRE', KEYS[1], ARGV[2]) {_TRIM}"

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


def throw_away_old_bells(broker: Broker) -> None:
    """All but the newest MOST_BELLS."""
    if old := broker.ask(_TRIM, BELLS, MOST_BELLS):
        logger.warning("%s bells that nobody heard were thrown away", old)


def throw_away_old_canaries(broker: Broker, queue: str) -> None:
    """Of a worker's own queue, which nobody else hears."""
    broker.ask(_TRIM_AND_FORGET, PREFIX + queue, MOST_CANARIES, CANARIES_FORGOTTEN_AFTER_S)
