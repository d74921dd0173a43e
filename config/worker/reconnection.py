"""A worker's consumer: it reconnects to its broker with a short backoff, and counts what it drops.

Celery's own waits 2 s before it tries again, then 4, 6 and so on up to 30: a worker would receive
no message for up to half a minute after the broker is back.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from config.worker.transport import UNREADABLE, drop_message

logger = logging.getLogger(__name__)

_HOW_OFTEN = ("interval_start", "interval_step", "interval_max")


class Listener(Consumer):  # type: ignore[misc]
    """Celery's consumer, with the retry intervals of `broker_transport_options`."""

    def ensure_connected(self, conn: Any) -> Any:
        options = self.app.conf.broker_transport_options
        intervals = {name: options[name] for name in _HOW_OFTEN if name in options}
        conn.ensure_connection = partial(conn.ensure_connection, **intervals)
        return super().ensure_connected(conn)

    def create_task_handler(self, *args: Any) -> Callable[[Any], Any]:
        """Celery's, without errors that a message's content can cause."""
        receive = super().create_task_handler(*args)

        def receive_guarded(message: Any) -> Any:
            try:
                return receive(message)
            except UNREADABLE as error:
                drop_message("not a task", error)
                message.reject_log_error(logger, self.connection_errors)
                return None

        return receive_guarded

    # Messages that are read and are none of ours. Celery's own methods log the whole message.

    def on_unknown_message(self, body: Any, message: Any) -> None:
        drop_message("unknown", type(body).__name__)
        message.reject_log_error(logger, self.connection_errors)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        drop_message("unknown task", exc)
        message.reject_log_error(logger, self.connection_errors)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        drop_message("invalid", exc)
        message.reject_log_error(logger, self.connection_errors)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        drop_message("undecodable", exc)
        message.ack_log_error(logger, self.connection_errors)
