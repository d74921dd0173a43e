"""Queue length limits on the broker, and our own calls to it.

No message has an expiry date: Celery compares the sender's clock with the worker's, and a worker
whose clock is ahead would silently discard everything. So the queues are trimmed by length. Ten
seconds of wake-ups for a thousand campaigns are some hundred messages; workers that were down for a
night would find a hundred thousand and store nothing while they handle them. Trimming loses
nothing: the next sweep sends new wake-ups for the claims that wait.
"""

import logging
from typing import Any

from kombu.exceptions import OperationalError

from config.celery import app
from coupons.broker import connections, wakeups

PREFIX = app.conf.broker_transport_options["global_keyprefix"]  # of all of Celery's keys there
WAKEUP_QUEUE = PREFIX + app.conf.task_default_queue
MOST_WAKEUPS = 1_000
DELIVERY_QUEUE = PREFIX + wakeups.WEBHOOK_QUEUE
BULK_QUEUE = PREFIX + wakeups.BULK_QUEUE
MOST_DELIVERY_WAKEUPS = 100  # all of them say the same; of jobs as well
LEASE = f"{PREFIX}beat-lease"  # who holds it sends the periodic tasks: see config.beat
MOST_CANARIES = 10  # one is sent every two seconds
CANARY_QUEUE_TTL_S = 120  # TTL of a worker's own queue, should its host be gone

# KEYS: a queue, the newest message first. ARGV: how many to keep. RETURN: how many were removed.
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
    """A connection of our own to the broker, for commands that Celery does not send. It waits for
    no broker: the watchdog and beat ask again."""

    def __init__(self, url: str | None = None) -> None:
        self._connection = connections.impatient_connection(url)

    def ask(self, script: str, key: str, *arguments: str | int) -> Any:
        """Run a Lua script with one key. Returns its result; None, and logs a warning, if the
        broker is unreachable."""
        try:
            client = self._connection.default_channel.client
            return client.eval(script, 1, key, *arguments)
        except (OperationalError, OSError, *self._connection.connection_errors) as away:
            logger.warning("the broker is unreachable (%s)", away)
            return None


def trim_wakeups(broker: Broker) -> None:
    """Trim the queues of wake-ups to the newest MOST_WAKEUPS and MOST_DELIVERY_WAKEUPS. What they
    announce is in the stores."""
    limits = {
        WAKEUP_QUEUE: MOST_WAKEUPS,
        DELIVERY_QUEUE: MOST_DELIVERY_WAKEUPS,
        BULK_QUEUE: MOST_DELIVERY_WAKEUPS,
    }
    for queue, most in limits.items():
        if old := broker.ask(_TRIM, queue, most):
            logger.warning("%s wake-ups that no worker took were discarded", old)


def trim_canaries(broker: Broker, queue: str) -> None:
    """Trim a worker's own queue to the newest MOST_CANARIES, and renew its TTL."""
    broker.ask(_TRIM_AND_FORGET, PREFIX + queue, MOST_CANARIES, CANARY_QUEUE_TTL_S)
