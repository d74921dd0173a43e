"""One Redis endpoint: its client, its scripts, and the translation of the driver's errors.

Nothing here retries: a call without a reply in `REDIS_TIMEOUT_S` raises `StoreAway`, and the caller
decides whether to retry. While the circuit breaker is open, `StoreAway` is raised at once. An error
reply about the keys of one call (`WRONGTYPE`, `NOGROUP`, an error in a script) does not mean that
Redis is away: it raises `StoreError`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import redis
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupons.errors import StoreAway
from coupons.observability import metrics
from coupons.observability.circuit_breaker import Breaker
from coupons.store.replies import failure_of

LUA = Path(__file__).parent / "lua"


def packed_command(*words: Any) -> bytes:
    """A command encoded in the Redis protocol."""
    return cast(bytes, pack_command(words))


class Script:
    """A Lua file. Called by its hash (EVALSHA); its text is sent only if the server lacks it."""

    all: ClassVar[list["Script"]] = []  # every script of this process, for the warm-up

    def __init__(self, name: str) -> None:
        self.text = (LUA / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        Script.all.append(self)

    def packed(self, names: Sequence[str], *arguments: Any) -> bytes:
        """The EVALSHA call encoded in the Redis protocol."""
        return packed_command("EVALSHA", self.sha, len(names), *names, *arguments)

    def __call__(self, client: redis.Redis, names: Sequence[str], *arguments: Any) -> Any:
        try:
            return client.evalsha(self.sha, len(names), *names, *arguments)
        except redis.exceptions.NoScriptError:  # nothing ran, so this is no retry
            return client.eval(self.text, len(names), *names, *arguments)

    def each(self, client: redis.Redis, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Many calls, each `(key names, *arguments)`, in one pipeline. Returns for each call its
        reply, or the error that Redis replied."""
        client.script_load(self.text)
        with client.pipeline(transaction=False) as pipe:
            for names, *arguments in calls:
                pipe.evalsha(self.sha, len(names), *names, *arguments)
            return pipe.execute(raise_on_error=False)


# No reply came. (redis-py also raises these while Redis loads its data or rejects our password.)
NO_REPLY = (redis.TimeoutError, redis.ConnectionError)


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
        self.client = redis.Redis(connection_pool=self.new_pool())

    def new_pool(self, **more: Any) -> _Pool:
        return _Pool.from_url(
            self._url,
            max_connections=self._max_connections,
            timeout=self.timeout_s,  # for a free connection; the next two: to connect, to reply
            socket_connect_timeout=self.timeout_s,
            socket_timeout=self.timeout_s,
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
