"""One Redis endpoint: its client, its scripts, and the translation of the driver's errors.

Nothing here retries: a call without a reply in `REDIS_TIMEOUT_S` raises `StoreAway`, and the caller
decides whether to retry. While the circuit breaker is open, `StoreAway` is raised at once. An error
reply about the keys of one call (`WRONGTYPE`, `NOGROUP`, an error in a script) does not mean that
Redis is away: it raises `StoreError`. In a dry run only commands that read are sent.
"""

import hashlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import redis
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupons import dry_run
from coupons.errors import StoreAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import Breaker
from coupons.store.replies import failure_of

LUA = Path(__file__).parent / "lua"


def packed_command(*words: Any) -> bytes:
    """A command encoded in the Redis protocol."""
    return cast(bytes, pack_command(words))


# What a script does without keys: nothing. So EVAL loads it, where the right to SCRIPT is missing.
_LOADED_ONLY = "if not KEYS[1] then return 0 end\n"


class Script:
    """A Lua file, or several in a row. Called by its hash (EVALSHA); its text is sent only if the
    server lacks it. `reads`: it writes nothing, so that a dry run may send it."""

    all: ClassVar[list["Script"]] = []  # every script of this process, for the warm-up
    reading: ClassVar[set[str]] = set()  # hashes and texts of those that write nothing

    def __init__(self, *names: str, reads: bool = False) -> None:
        self.text = _LOADED_ONLY + "".join((LUA / f"{name}.lua").read_text() for name in names)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        Script.all.append(self)
        if reads:
            Script.reading |= {self.sha, self.text}

    def packed(self, names: Sequence[str], *arguments: Any) -> bytes:
        """The EVALSHA call encoded in the Redis protocol."""
        return packed_command("EVALSHA", self.sha, len(names), *names, *arguments)

    def packed_text(self, names: Sequence[str], *arguments: Any) -> bytes:
        """The same call with the script's text (EVAL), after which the server knows it."""
        return packed_command("EVAL", self.text, len(names), *names, *arguments)

    def __call__(self, client: redis.Redis, names: Sequence[str], *arguments: Any) -> Any:
        try:
            return client.evalsha(self.sha, len(names), *names, *arguments)
        except redis.exceptions.NoScriptError:  # nothing ran, so this is no retry
            return client.eval(self.text, len(names), *names, *arguments)

    def each(self, client: redis.Redis, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Many calls, each `(key names, *arguments)`, in one pipeline. Returns for each call its
        reply, or the error that Redis replied. The first sends the text, so that no other finds
        the script missing; SCRIPT LOAD is a command that no service has a right to."""
        with client.pipeline(transaction=False) as pipe:
            for names, *arguments in calls[:1]:
                pipe.eval(self.text, len(names), *names, *arguments)
            for names, *arguments in calls[1:]:
                pipe.evalsha(self.sha, len(names), *names, *arguments)
            return pipe.execute(raise_on_error=False)


# What a dry run may send, beside scripts that write nothing.
READING = frozenset({
    "PING", "ECHO", "TIME", "INFO", "TYPE", "EXISTS", "SCAN", "GET", "STRLEN", "TTL", "PTTL",
    "GETBIT", "HGET", "HMGET", "HGETALL", "HKEYS", "HLEN", "HEXISTS", "HSCAN", "SMEMBERS", "SCARD",
    "SISMEMBER", "XLEN", "XRANGE", "XREVRANGE", "XPENDING", "XINFO", "LLEN",
})  # fmt: skip


def demand_reading(command: Sequence[Any]) -> None:
    """Raises DryRunWrites for a command that may write, in a dry run."""
    if not dry_run.is_dry_run():
        return
    name = str(command[0]).upper().split()[0]
    is_reading_script = name in ("EVAL", "EVALSHA") and command[1] in Script.reading
    if name not in READING and not is_reading_script:
        raise dry_run.DryRunWrites(f"{name} was not sent: this is a dry run")


class _Pipeline(redis.client.Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        for command, _options in self.command_stack:
            demand_reading(command)
        return super().execute(raise_on_error)


class _Client(redis.Redis):
    """redis-py's client; in a dry run it sends only what reads."""

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        demand_reading(arguments)
        return super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> _Pipeline:
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


# No reply came. (redis-py also raises these while Redis loads its data or rejects our password.)
NO_REPLY = (redis.TimeoutError, redis.ConnectionError)


_KEEPALIVE = {
    getattr(socket, name): seconds
    for name, seconds in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)  # they differ between systems
}


class _Pool(redis.BlockingConnectionPool):
    def make_connection(self) -> Any:
        metrics.REDIS_CONNECTIONS.inc()
        return super().make_connection()  # type: ignore[no-untyped-call]


class StoreClient:
    """The connections to one Redis and their circuit breaker, shared by the calls of all subjects.
    Safe to share between threads and across a fork."""

    def __init__(self, url: str, *, timeout_s: float, max_connections: int) -> None:
        # An error reply counts as a success of the server; only a missing reply is a failure.
        self.breaker = Breaker(
            metrics.Breaker.REDIS,
            away=StoreAway,
            is_no_reply=lambda error: isinstance(error, NO_REPLY),
            error_reply=redis.RedisError,
            slow_s=timeout_s / 2,
        )
        self._url, self.timeout_s, self._max_connections = url, timeout_s, max_connections
        self.client = _Client(connection_pool=self.new_pool())

    def new_pool(self, **more: Any) -> _Pool:
        return _Pool.from_url(
            self._url,
            max_connections=self._max_connections,
            timeout=self.timeout_s,  # for a free connection; the next two: to connect, to reply
            socket_connect_timeout=self.timeout_s,
            socket_timeout=self.timeout_s,
            socket_keepalive=True,  # one that died in silence is closed by the kernel, then noticed
            socket_keepalive_options=_KEEPALIVE,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            **more,
        )

    @contextmanager
    def guard_call(self) -> Iterator[None]:
        """The circuit breaker around every call except an admission. Raises StoreAway (at once
        while the breaker is open) and StoreError."""
        try:
            with self.breaker.guard():
                yield
        except redis.RedisError as error:
            raise failure_of(error) from error


class SubjectCalls:
    """Base of the calls of one subject, over the client that all subjects share."""

    def __init__(self, shared: StoreClient) -> None:
        self.client = shared.client
        self.breaker = shared.breaker
        self.guard_call = shared.guard_call


def time_ms(clock: Any) -> int:
    """The reply to TIME, in milliseconds."""
    return int(clock[0]) * 1000 + int(clock[1]) // 1000
