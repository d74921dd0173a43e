"""One connection to Redis, kept open: several commands out at once, their replies back.

redis-py makes the connection (address, credentials, TLS, timeouts); the bytes go past it, because
its way of a single command costs more than Redis' decision does.
"""

import os
import select
import time
from typing import Any

import hiredis
import redis

from coupons.observability import metrics

STALE_AFTER_S = 0.02  # a connection idle for so long is looked at before it is used
_READ = 65_536  # bytes at a time


class PipelinedConnection:
    """One round trip at a time. Opens itself when first used, and again after faults."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        """Connects as the pool would."""
        self._pool = pool
        self._connection: Any = None
        self._socket: Any = None
        self._reader: Any = None
        self._pid = 0
        self._used_s = 0.0

    def exchange(self, commands: list[bytes]) -> list[Any]:
        """The reply or the server's error for each packed command.

        Raises RedisError if the connection failed; then it is not known which were carried out.
        """
        now = time.monotonic()
        if self._socket is None or self._pid != os.getpid() or now - self._used_s > STALE_AFTER_S:
            self._renew()
        return self._talk(commands, now)

    def add(self, commands: list[bytes]) -> list[Any]:
        """More, on the very connection of the exchange before, or on none: a WAIT on another one
        would speak of nothing. Raises RedisError."""
        if self._socket is None or self._pid != os.getpid():
            raise redis.ConnectionError("closed since")
        return self._talk(commands, time.monotonic())

    def _talk(self, commands: list[bytes], now: float) -> list[Any]:
        try:
            self._socket.sendall(b"".join(commands))
            replies = [self._next_reply() for _ in commands]
        except TimeoutError:
            self._close()
            raise redis.TimeoutError("no reply in time") from None
        except (OSError, hiredis.ProtocolError) as error:
            self._close()
            raise redis.ConnectionError(str(error)) from error
        except BaseException:
            self._close()  # replies still on their way must not meet other commands
            raise
        self._used_s = now
        return replies

    def _next_reply(self) -> Any:
        reply = self._reader.gets()
        while reply is False:  # not all of it is there yet
            received = self._socket.recv(_READ)
            if not received:
                raise redis.ConnectionError("closed by the server")
            self._reader.feed(received)
            reply = self._reader.gets()
        return reply

    def _renew(self) -> None:
        """Open it if it is not open, is a parent process's, or was closed from the other side."""
        if self._pid == os.getpid() and self._socket is not None:
            readable, _, _ = select.select([self._socket], [], [], 0)
            if not readable:  # nothing was asked, so anything to read is its end
                return
            self._close()
        self._pid = os.getpid()
        self._connection = self._pool.connection_class(**self._pool.connection_kwargs)
        metrics.REDIS_CONNECTIONS.inc()
        self._connection.connect()
        self._socket = self._connection._sock
        self._reader = hiredis.Reader(replyError=_server_error, notEnoughData=False)

    def _close(self) -> None:
        self._socket = None
        self._connection.disconnect()


def _server_error(said: str) -> Exception:
    if said.startswith("NOSCRIPT"):
        return redis.exceptions.NoScriptError(said)
    return redis.ResponseError(said)
