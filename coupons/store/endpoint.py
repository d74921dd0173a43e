"""One Redis endpoint: its client, its scripts, and the translation of the driver's errors.

Nothing here retries: a call that got no answer in `REDIS_TIMEOUT_S` raises `StoreAway`, and asking
again is the caller's choice.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import redis
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupons.errors import StoreAway

LUA = Path(__file__).parent.parent / "lua"


class Script:
    """A Lua file, called by its hash and sent whole only when the server does not know it."""

    def __init__(self, name: str) -> None:
        self.text = (LUA / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def packed(self, names: Sequence[str], *arguments: Any) -> bytes:
        """The call as it goes over the wire."""
        call = ("EVALSHA", self.sha, len(names), *names, *arguments)
        return cast(bytes, pack_command(call))

    def __call__(self, client: redis.Redis, names: Sequence[str], *arguments: Any) -> Any:
        try:
            return client.evalsha(self.sha, len(names), *names, *arguments)
        except redis.exceptions.NoScriptError:  # nothing ran: sending it whole is no second try
            return client.eval(self.text, len(names), *names, *arguments)


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreAway(f"Redis: {error}") from error


class Endpoint:
    """Base of what is asked of one Redis. Safe to share between threads and across a fork."""

    def __init__(self, url: str, *, timeout_s: float, max_connections: int) -> None:
        self.client = redis.Redis(
            connection_pool=redis.BlockingConnectionPool.from_url(
                url,
                max_connections=max_connections,
                timeout=timeout_s,  # to get a connection; the next two: to connect, to be answered
                socket_connect_timeout=timeout_s,
                socket_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        )


def ms(time: Any) -> int:
    return int(time[0]) * 1000 + int(time[1]) // 1000
