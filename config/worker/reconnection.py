"""A worker's reconnection to its broker, with a short backoff.

Celery's own waits 2 s before it tries again, then 4, 6 and so on up to 30: a worker would receive
no message for up to half a minute after the broker is back.
"""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

_HOW_OFTEN = ("interval_start", "interval_step", "interval_max")


class Listener(Consumer):  # type: ignore[misc]
    """Celery's consumer, with the retry intervals of `broker_transport_options`."""

    def ensure_connected(self, conn: Any) -> Any:
        options = self.app.conf.broker_transport_options
        intervals = {name: options[name] for name in _HOW_OFTEN if name in options}
        conn.ensure_connection = partial(conn.ensure_connection, **intervals)
        return super().ensure_connected(conn)
