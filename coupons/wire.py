"""One connection to Redis, kept open: several commands out at once, their replies back."""

import os
import time
from typing import Any

import redis

STALE_AFTER_S = 0.02  # a connection idle for so long is looked at before it is used


class Wire:
    """One round trip at a time. Opens itself when first used, and again after faults."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        """Connects as the pool would: address, credentials, TLS, timeouts."""
        self._pool = pool
        self._connection: Any = None
        self._pid = 0
        self._used_s = 0.0

    def exchange(self, commands: list[bytes]) -> list[Any]:
        """The reply or the server's error for each packed command.

        Raises RedisError if the connection failed; then it is not known which were carried out.
        """
        connection = self._ready()
        try:
            # Joined: the driver would make a system call, and a packet, of each.
            connection.send_packed_command([b"".join(commands)], check_health=False)
            replies = [_reply(connection) for _ in commands]
        except BaseException:
            connection.disconnect()  # replies still on their way must not meet other commands
            raise
        self._used_s = time.monotonic()
        return replies

    def _ready(self) -> Any:
        if self._pid != os.getpid():  # never share a socket with a parent process
            self._pid = os.getpid()
            self._connection = self._pool.connection_class(**self._pool.connection_kwargs)
        if time.monotonic() - self._used_s > STALE_AFTER_S:
            self._drop_if_closed()
        if not self._connection.is_connected:
            self._connection.connect()
        return self._connection

    def _drop_if_closed(self) -> None:
        """Nothing was asked, so anything to read is the end of the connection."""
        try:
            stale = self._connection.is_connected and self._connection.can_read(0)
        except redis.RedisError:
            stale = True
        if stale:
            self._connection.disconnect()


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
