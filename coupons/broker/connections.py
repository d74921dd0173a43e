"""Connections to the broker for those who must not wait for it: one attempt, within 0.3 s.

Celery's own settings are a worker's, which waits for its broker as long as it takes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from celery import current_app
from kombu import pools
from kombu.exceptions import LimitExceeded, OperationalError

TIMEOUT_S = 0.3
_ONE_ATTEMPT = {
    "socket_timeout": TIMEOUT_S,
    "socket_connect_timeout": TIMEOUT_S,
    "retry_on_timeout": False,
    # kombu connects up to 100 times, even for a publish with retries off.
    "max_retries": 0,
    "connect_retries_timeout": TIMEOUT_S,
    "client_name": "coupon-notifier",
}


def impatient_connection(url: str | None = None) -> Any:
    """A kombu.Connection to the broker, or to another `url`; not connected yet."""
    return current_app.connection_for_write(url, transport_options=_ONE_ATTEMPT)


@contextmanager
def notifying_producer() -> Iterator[Any]:
    """A kombu.Producer of this pool. Raises OperationalError or OSError if the broker does
    not answer, or if all producers are in use."""
    try:
        producer = _pool(current_app.conf.broker_url, os.getpid()).acquire(True, TIMEOUT_S)
    except LimitExceeded as busy:
        raise OperationalError("All connections to the broker are in use.") from busy
    with producer:
        yield producer


@lru_cache(maxsize=2)
def _pool(broker_url: str, process: int) -> Any:
    """One for each broker, and for each process: a fork must not use its parent's sockets."""
    return pools.producers[impatient_connection()]
