"""How a worker comes back to its broker: soon.

Celery's own waits 2 s before it tries again, then 4, 6 and so on up to 30: a worker would hear no
bell for half a minute after a broker was back.
"""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

_HOW_OFTEN = ("interval_start", "interval_step", "interval_max")


class Listener(Consumer):  # type: ignore[misc]
    """Tries again as often as the transport's options say."""

    def ensure_connected(self, conn: Any) -> Any:
        options = self.app.conf.broker_transport_options
        often = {name: options[name] for name in _HOW_OFTEN if name in options}
        conn.ensure_connection = partial(conn.ensure_connection, **often)
        return super().ensure_connected(conn)
