"""What Redis replied: an error of the whole server told apart from an error about some keys, and
the answers of many campaigns told apart from each other."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import redis
from redis import exceptions

from coupons.errors import StoreAway, StoreError

# How an error begins by which a server refuses to serve, whatever keys it is asked for: its code,
# maybe behind redis-py's words about a pipeline, and those of an older server about a script.
_OF_THE_SERVER = re.compile(
    r"(?:Command # \d+ .* of pipeline caused error: )?(?:(?:ERR )?Error running script .*: -?)?"
    r"(?:(?:ERR )?(?:unknown command|max number of clients)"
    r"|(?:LOADING|BUSY|READONLY|OOM|MOVED|ASK|CLUSTERDOWN|TRYAGAIN|CROSSSLOT|MASTERDOWN|MISCONF"
    r"|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|NOSCRIPT|UNKILLABLE|INPROG|NOGOODSLAVE)\b)",
    re.DOTALL,
)
# redis-py cuts these codes off the message and names the class by them.
_CLASSES_OF_THE_SERVER = (
    redis.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.NoPermissionError,
    exceptions.NoScriptError,
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.ClusterError,
    exceptions.ClusterCrossSlotError,
)
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
T = TypeVar("T")


def failure_of(error: redis.RedisError, slug: str = "") -> StoreAway | StoreError:
    """The exception to raise for an error of the driver."""
    if _is_of_the_server(error):
        return StoreAway(f"Redis: {error}")
    return StoreError(f"Redis answered about {slug}: {error}" if slug else f"Redis: {error}")


def _is_of_the_server(error: redis.RedisError) -> bool:
    """Whatever is no answer at all is, too: a connection that failed, another protocol."""
    if not isinstance(error, redis.ResponseError | redis.DataError):
        return True
    return isinstance(error, _CLASSES_OF_THE_SERVER) or bool(_OF_THE_SERVER.match(str(error)))


@contextmanager
def parsing_reply(what: str) -> Iterator[None]:
    """Raises StoreError where a reply is not what we write there."""
    try:
        yield
    except _UNREADABLE as error:
        raise StoreError(f"Redis holds {what} that can't be read: {error!r}") from error


class Each(dict[str, T], Generic[T]):
    """Answers by campaign. `failed` are the campaigns without one: Redis answered with an error, or
    what it holds can't be read. Nothing is in both."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: dict[str, StoreError] = {}

    def one(self, slug: str) -> T:
        """The answer about this campaign. Raises StoreError."""
        if slug in self.failed:
            raise self.failed[slug]
        return self[slug]


def reply_each(slugs: Sequence[str], replies: Sequence[Any], parse: Callable[..., T]) -> Each[T]:
    """`parse` gets the replies to the commands of one campaign; each sent the same number of them.

    Raises StoreAway if the server refused to serve one of them.
    """
    found: Each[T] = Each()
    per_campaign = len(replies) // len(slugs) if slugs else 0
    for number, slug in enumerate(slugs):
        some = replies[number * per_campaign : (number + 1) * per_campaign]
        try:
            found[slug] = _parsed(slug, some, parse)
        except StoreError as error:
            found.failed[slug] = error
    return found


def _parsed(slug: str, replies: Sequence[Any], parse: Callable[..., T]) -> T:
    for reply in replies:
        if isinstance(reply, redis.RedisError):
            raise failure_of(reply, slug) from reply
    with parsing_reply(f"data of {slug}"):
        return parse(*replies)
