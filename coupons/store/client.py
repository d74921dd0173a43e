"""One Redis endpoint: its client, its scripts, and the translation of the driver's errors.

Nothing here retries: a call that got no answer in `REDIS_TIMEOUT_S` raises `StoreAway`, and asking
again is the caller's choice. While the breaker is open, `StoreAway` comes at once. An error that
Redis answers about the keys of one call (`WRONGTYPE`, `NOGROUP`, an error in a script) is no such
absence: it raises `StoreError`.
"""

import hashlib
import time
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
    """A command as it goes over the wire."""
    return cast(bytes, pack_command(words))


class Script:
    """A Lua file, called by its hash and sent whole only when the server does not know it."""

    all: ClassVar[list["Script"]] = []  # that this process may call, for a warm-up

    def __init__(self, name: str) -> None:
        self.text = (LUA / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        Script.all.append(self)

    def packed(self, names: Sequence[str], *arguments: Any) -> bytes:
        """The call as it goes over the wire."""
        return packed_command("EVALSHA", self.sha, len(names), *names, *arguments)

    def __call__(self, client: redis.Redis, names: Sequence[str], *arguments: Any) -> Any:
        try:
            return client.evalsha(self.sha, len(names), *names, *arguments)
        except redis.exceptions.NoScriptError:  # nothing ran: sending it whole is no second try
            return client.eval(self.text, len(names), *names, *arguments)

    def each(self, client: redis.Redis, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Many calls, (names, *arguments) each, in one round trip. The reply to each of them, or
        the error that Redis answered to it."""
        client.script_load(self.text)
        with client.pipeline(transaction=False) as pipe:
            for names, *arguments in calls:
                pipe.evalsha(self.sha, len(names), *names, *arguments)
            return pipe.execute(raise_on_error=False)


# No answer came. (Also: it loads its data, or doesn't know our password.)
SILENT = (redis.TimeoutError, redis.ConnectionError)
RESTING = "Redis was silent a moment ago and is given a rest."


class _Pool(redis.BlockingConnectionPool):
    def make_connection(self) -> Any:
        metrics.REDIS_CONNECTIONS.inc()
        return super().make_connection()  # type: ignore[no-untyped-call]


class StoreClient:
    """Base of what is asked of one Redis. Safe to share between threads and across a fork."""

    def __init__(self, url: str, *, timeout_s: float, max_connections: int) -> None:
        self.breaker = Breaker(metrics.Breaker.REDIS, slow_s=timeout_s / 2)
        self._url, self._timeout_s, self._most = url, timeout_s, max_connections
        self.client = redis.Redis(connection_pool=self._pool())

    def _pool(self, **more: Any) -> _Pool:
        return _Pool.from_url(
            self._url,
            max_connections=self._most,
            timeout=self._timeout_s,  # for a connection; the next two: to connect, to be answered
            socket_connect_timeout=self._timeout_s,
            socket_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            **more,
        )

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around every call but an admission. Raises StoreAway, at once while the breaker is open;
        the breaker learns whether there was an answer, and a refusal is one."""
        if self.breaker.open and not self.breaker.may_try():
            raise StoreAway(RESTING)
        began = time.monotonic()
        try:
            yield
        except SILENT as error:
            self.breaker.failed(after_s=time.monotonic() - began)
            raise StoreAway(f"Redis: {error}") from error
        except redis.RedisError as error:
            self.breaker.succeeded()
            raise failure_of(error) from error
        self.breaker.succeeded()


def time_ms(clock: Any) -> int:
    """Redis' TIME in milliseconds."""
    return int(clock[0]) * 1000 + int(clock[1]) // 1000
