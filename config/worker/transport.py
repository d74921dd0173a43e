"""The Redis transport of workers: a line on a queue that is no message of ours is dropped.

kombu reads a line as JSON of a certain shape and lets its errors pass. They end the worker; its
supervisor restarts it, and the next such line ends it again. BRPOP has taken the line off the queue
by then, so that nothing has to be deleted. A dropped line was no wake-up of ours, or one that
nobody can read: beat sends another within a second.
"""

import logging
from datetime import datetime
from typing import Any

from kombu import transport
from kombu.transport import redis
from redis.exceptions import DataError

from coupons.claims.stranger_text import shown_text
from coupons.observability import stranger_metrics

logger = logging.getLogger(__name__)

# Of JSON that is none, of another shape, of text that is not base64, of too many levels.
UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, DataError,
)  # fmt: skip
# Seconds that a task may take, for `config.celery`: it is killed; it is told.
TIME_LIMIT_S, SOFT_TIME_LIMIT_S = 45, 30
_LONGEST_MOMENT = 40  # characters
_SHOWN = 200  # characters of the error, which may repeat the line


class GuardedQoS(redis.QoS):
    """What was delivered and not acknowledged, which lies on the broker as well."""

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except UNREADABLE as error:
            drop_message("unreadable", error)
            with self.channel.conn_or_acquire(client) as own:
                own.pipeline().zrem(self.unacked_index_key, tag).hdel(
                    self.unacked_key, tag
                ).execute()


class GuardedChannel(redis.Channel):
    QoS = GuardedQoS

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except UNREADABLE as error:
            drop_message("unreadable", error)
            return True

    def basic_consume(self, queue: str, *words: Any, **options: Any) -> Any:
        """kombu's callback for the queue gets messages of Celery's shape only. One that is kept as
        delivered and then raises would never be acknowledged, and the worker would wait for it."""
        consumer = super().basic_consume(  # type: ignore[no-untyped-call]
            queue, *words, **options
        )
        # Events, which Flower reads, and answers of workers to `celery inspect` have other shapes.
        if queue in self._fanout_queues or queue.endswith(".pidbox"):
            return consumer
        receive = self.connection._callbacks[queue]

        def receive_guarded(raw: Any) -> Any:
            if fault := shape_fault(raw):
                drop_message("shape", fault)
                return None
            return receive(raw)

        self.connection._callbacks[queue] = receive_guarded
        return consumer


def shape_fault(raw: Any) -> str:
    """Why this is no message as Celery sends it (protocol 2, JSON); empty: it is one."""
    for path, kind in _SHAPE.items():
        value = raw
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, kind):
            return f"{'.'.join(path)} is a {type(value).__name__}"
    if not _is_moment(raw["headers"].get("expires")):
        return "headers.expires is no moment"
    for path, expected in _VALUES.items():
        value = raw
        for name in path:
            value = value.get(name)
        if value not in expected:
            return f"{'.'.join(path)} is another"
    return ""


def _is_moment(value: Any) -> bool:
    """None, or a moment as Celery writes it. It is not obeyed: two hosts' clocks may differ."""
    if not isinstance(value, str):
        return value is None
    try:
        datetime.fromisoformat(value[:_LONGEST_MOMENT])
    except ValueError:
        return False
    return len(value) <= _LONGEST_MOMENT


_SHAPE: dict[tuple[str, ...], Any] = {
    (): dict, ("body",): str, ("headers",): dict, ("properties",): dict,
    ("content-type",): str, ("content-encoding",): str,
    ("headers", "task"): str, ("headers", "id"): str,
    ("properties", "delivery_tag"): str, ("properties", "delivery_info"): dict,
    ("properties", "delivery_info", "exchange"): str,
    ("properties", "delivery_info", "routing_key"): str,
    ("properties", "priority"): int | None, ("properties", "body_encoding"): str,
    **{("headers", name): str | None for name in (
        "lang", "shadow", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin",
    )},
    ("headers", "retries"): int | None,
}  # fmt: skip
# Our messages have no moments or stamps, and no limits but the worker's own, which Celery repeats
# in those that it sends by a task or by beat. An odd limit is read when the pool has reserved a
# process for the task: it would be reserved for ever.
_VALUES = {
    ("content-type",): ("application/json",),
    ("content-encoding",): ("utf-8",),
    ("properties", "body_encoding"): ("base64",),
    ("headers", "compression"): (None,),
    ("headers", "eta"): (None,),
    ("headers", "timelimit"): (None, [None, None], [TIME_LIMIT_S, SOFT_TIME_LIMIT_S]),
    ("headers", "stamped_headers"): (None, []),
}


class GuardedTransport(redis.Transport):
    Channel = GuardedChannel


def drop_message(why: str, error: object) -> None:
    """Count a message that is dropped, and log it."""
    stranger_metrics.MESSAGES_DROPPED.labels(why).inc()
    shown = shown_text(f"{error!r}", _SHOWN)
    logger.error("a message on the broker is dropped (%s): %s", why, shown)


def install_transport() -> None:
    """For every connection to the broker of this process, by its URL's scheme."""
    for scheme in ("redis", "rediss"):
        transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:{GuardedTransport.__name__}"
