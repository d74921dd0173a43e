"""Group commit: the calls of many threads travel to Redis together.

Waiting for Redis one by one costs more than Redis does: a system call out, one back, and a switch
of threads for each. Here the first thread that comes becomes the leader and sends what is waiting
as one pipeline; whoever comes while it is on its way waits and goes with the next one, led by the
first of them. No extra thread, and a lone call waits for nobody. Each call keeps its own reply and
its own failure.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

import redis

# Takes packed commands, returns a reply or a server's error for each, or raises RedisError for all.
RoundTrip = Callable[[list[bytes]], list[Any]]


class _Call:
    __slots__ = ("command", "leads", "reply", "turn")

    def __init__(self, command: bytes) -> None:
        self.command = command
        self.reply: Any = None
        self.leads = False
        self.turn = Lock()  # held until there is a reply, or the call is to lead
        self.turn.acquire()


class GroupCommit:
    """Shares one connection's round trips between threads."""

    def __init__(self, round_trip: RoundTrip, *, timeout_s: float) -> None:
        self._round_trip = round_trip
        # The pipeline under way, then our own.
        self._patience_s = 2 * timeout_s
        self._lock = Lock()
        self._waiting: list[_Call] = []
        self._busy = False

    def call(self, command: bytes) -> Any:
        """The reply to one packed command. Raises RedisError, the server's or the connection's."""
        call = _Call(command)
        with self._lock:
            self._waiting.append(call)
            first, self._busy = not self._busy, True
        if not first:
            self._wait(call)
        if first or call.leads:  # `leads` is not to be read before the turn has come
            self._lead()
        if isinstance(call.reply, Exception):
            raise call.reply
        return call.reply

    def _wait(self, call: _Call) -> None:
        if call.turn.acquire(timeout=self._patience_s):
            return
        with self._lock:
            if call.turn.acquire(blocking=False):  # its turn came in this very moment
                return
            if call in self._waiting:
                self._waiting.remove(call)
        raise redis.TimeoutError("No turn on the connection in time.")

    def _lead(self) -> None:
        """Send what waits, hand the lead to who came meanwhile, then tell everyone."""
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            replies = self._round_trip([call.command for call in group])
        except Exception as error:  # whatever it is, nobody shall wait for a reply in vain
            replies = [error] * len(group)
        finally:
            self._hand_over()
        for call, reply in zip(group, replies, strict=True):
            call.reply = reply
            call.turn.release()

    def _hand_over(self) -> None:
        with self._lock:
            self._busy = bool(self._waiting)
            if self._busy:
                heir = self._waiting[0]
                heir.leads = True
                heir.turn.release()
