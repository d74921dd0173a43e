"""Group commit: calls of many threads share round trips to Redis.

A separate round trip for each call costs more than Redis' own work: two system calls and a thread
switch. Here the first thread becomes the leader and sends all waiting calls as one pipeline. Calls
that arrive while it is under way wait for the next pipeline, led by the first of them. There is no
extra thread, and a single call does not wait. Each call gets its own reply or its own error.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

import redis

# Takes packed commands; returns for each a reply or the server's error, or raises RedisError.
RoundTrip = Callable[[list[bytes]], list[Any]]


class _Call:
    __slots__ = ("command", "leads", "released", "reply")

    def __init__(self, command: bytes) -> None:
        self.command = command
        self.reply: Any = None
        self.leads = False
        self.released = Lock()  # locked until the reply is set or this call becomes leader
        self.released.acquire()


class GroupCommit:
    """Shares the round trips of one connection between threads."""

    def __init__(self, round_trip: RoundTrip, *, timeout_s: float) -> None:
        self._round_trip = round_trip
        # One timeout for the pipeline under way, one for our own.
        self._max_wait_s = 2 * timeout_s
        self._lock = Lock()
        self._waiting: list[_Call] = []
        self._busy = False

    def call(self, command: bytes) -> Any:
        """Send one packed command and return its reply. Raises RedisError, for an error reply as
        for a failed connection, or what else `round_trip` raised."""
        with self._lock:
            is_alone, self._busy = not self._busy, True
            if not is_alone:
                call = _Call(command)
                self._waiting.append(call)
        if is_alone:  # nobody waits: whoever comes now finds it busy
            reply = self._call_alone(command)
        else:
            self._wait(call)
            if call.leads:  # read `leads` only after `released` was acquired
                self._lead()
            reply = call.reply
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _call_alone(self, command: bytes) -> Any:
        try:
            (reply,) = self._round_trip([command])
        finally:
            self._appoint_leader()
        return reply

    def _wait(self, call: _Call) -> None:
        if call.released.acquire(timeout=self._max_wait_s):
            return
        with self._lock:
            if call.released.acquire(blocking=False):  # released between the timeout and this lock
                return
            if call in self._waiting:
                self._waiting.remove(call)
        raise redis.TimeoutError("The connection was not free in time.")

    def _lead(self) -> None:
        """Send the waiting calls, make the first later arrival the next leader, then release all
        callers of this group."""
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            replies = self._round_trip([call.command for call in group])
        except Exception as error:  # of any kind: every caller must be released
            replies = [error] * len(group)
        finally:
            self._appoint_leader()
        for call, reply in zip(group, replies, strict=True):
            call.reply = reply
            call.released.release()

    def _appoint_leader(self) -> None:
        with self._lock:
            self._busy = bool(self._waiting)
            if self._busy:
                leader = self._waiting[0]
                leader.leads = True
                leader.released.release()
