"""One persistent connection to Redis with pipelining: send several commands, read their replies.

redis-py makes the connection (address, credentials, TLS, timeouts); commands and replies bypass it,
because redis-py spends more time on one command than Redis spends on the decision.
"""

import os
import select
import time
from typing import Any

import hiredis
import redis

from coupons import dry_run
from coupons.observability import metrics

STALE_AFTER_S = 0.02  # a connection that was idle for longer is checked before it is used
# One that was idle for longer may be dead without anybody having been told (a firewall forgot it):
# it must answer a PING first, or the crowd of an opening would be the first to hear of it.
SILENT_AFTER_S = 5.0
_PING_SHARE = 0.5  # of the time for a reply
_PING = b"*1\r\n$4\r\nPING\r\n"
_READ = 65_536  # bytes at a time


class PipelinedConnection:
    """One round trip at a time; not thread-safe. Connects on first use and again after a fault."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        """The connection is made with the pool's class and arguments, outside of the pool."""
        self._pool = pool
        self._connection: Any = None
        self._socket: Any = None
        self._reader: Any = None
        self._pid = 0
        self._used_s = 0.0

    def exchange(self, commands: list[bytes]) -> list[Any]:
        """Send packed commands. Returns for each its reply, or the server's error as an exception.

        Raises RedisError if the connection failed; then it is not known which commands ran.
        """
        if dry_run.is_dry_run():
            raise dry_run.DryRunWrites("a dry run sends no commands here")
        now = time.monotonic()
        if self._socket is None or self._pid != os.getpid() or now - self._used_s > STALE_AFTER_S:
            self._connect(now)
        return self._send_and_read(commands, now)

    def add(self, commands: list[bytes]) -> list[Any]:
        """As `exchange`, but only on the connection of the last exchange: a WAIT covers only what
        its own connection wrote. Raises RedisError, also if that connection was closed."""
        if self._socket is None or self._pid != os.getpid():
            raise redis.ConnectionError("the connection was closed since the last exchange")
        return self._send_and_read(commands, time.monotonic())

    def _send_and_read(self, commands: list[bytes], now: float) -> list[Any]:
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
            self._close()  # replies still under way must not be read as replies to later commands
            raise
        self._used_s = now
        return replies

    def _next_reply(self) -> Any:
        reply = self._reader.gets()
        while reply is False:  # incomplete so far
            received = self._socket.recv(_READ)
            if not received:
                raise redis.ConnectionError("closed by the server")
            self._reader.feed(received)
            reply = self._reader.gets()
        return reply

    def _connect(self, now: float) -> None:
        """Connect, unless there is an open connection of this process. Checks with `select` that
        the server has not closed it, and after a long silence that it answers."""
        if self._pid == os.getpid() and self._socket is not None:
            readable, _, _ = select.select([self._socket], [], [], 0)
            # No reply is due, so anything readable means end of file.
            if not readable and (now - self._used_s <= SILENT_AFTER_S or self._answers_ping()):
                return
            self._close()
        self._pid = os.getpid()
        self._connection = self._pool.connection_class(**self._pool.connection_kwargs)
        metrics.REDIS_CONNECTIONS.inc()
        self._connection.connect()
        self._socket = self._connection._sock
        self._reader = hiredis.Reader(replyError=_server_error, notEnoughData=False)

    def _answers_ping(self) -> bool:
        patience_s = self._socket.gettimeout()
        try:
            self._socket.settimeout(_PING_SHARE * patience_s)
            self._socket.sendall(_PING)
            answered = bool(self._next_reply() == b"PONG")
            self._socket.settimeout(patience_s)
        except (OSError, redis.RedisError, hiredis.ProtocolError):
            return False
        return answered

    def _close(self) -> None:
        self._socket = None
        self._connection.disconnect()


def _server_error(message: str) -> Exception:
    if message.startswith("NOSCRIPT"):
        return redis.exceptions.NoScriptError(message)
    return redis.ResponseError(message)
