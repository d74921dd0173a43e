"""Interpreting Redis' replies: errors of the whole server (StoreAway) against errors about some
keys (StoreError), and one result per campaign for calls about many campaigns."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import redis
from redis import exceptions

from coupons.errors import StoreAway, StoreError

# The beginning of errors by which a server refuses to serve, whatever the keys: the error code,
# after redis-py's prefix for pipelines and an older server's prefix for scripts, if any.
_SERVER_FAILURE = re.compile(
    r"(?:Command # \d+ .* of pipeline caused error: )?(?:(?:ERR )?Error running script .*: -?)?"
    r"(?:(?:ERR )?(?:unknown command|max number of clients)"
    r"|(?:LOADING|BUSY|READONLY|OOM|MOVED|ASK|CLUSTERDOWN|TRYAGAIN|CROSSSLOT|MASTERDOWN|MISCONF"
    r"|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|NOSCRIPT|UNKILLABLE|INPROG|NOGOODSLAVE)\b)",
    re.DOTALL,
)
# redis-py strips these codes from the message and raises a class of its own for each.
_SERVER_FAILURE_CLASSES = (
    redis.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.NoPermissionError,
    exceptions.NoScriptError,
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.ClusterError,
    exceptions.ClusterCrossSlotError,
)
_PARSE_ERRORS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
T = TypeVar("T")


def failure_of(error: redis.RedisError, slug: str = "") -> StoreAway | StoreError:
    """The exception to raise for a driver error. Returned, not raised."""
    if _is_server_failure(error):
        return StoreAway(f"Redis: {error}")
    return StoreError(f"Redis answered about {slug}: {error}" if slug else f"Redis: {error}")


def _is_server_failure(error: redis.RedisError) -> bool:
    """Also true if there was no valid reply: the connection failed, or it is not the Redis
    protocol."""
    if not isinstance(error, redis.ResponseError | redis.DataError):
        return True
    return isinstance(error, _SERVER_FAILURE_CLASSES) or bool(_SERVER_FAILURE.match(str(error)))


@contextmanager
def parsing_reply(what: str) -> Iterator[None]:
    """Raises StoreError if the reply can't be parsed: it is not what we write there."""
    try:
        yield
    except _PARSE_ERRORS as error:
        raise StoreError(f"Redis holds {what} that can't be read: {error!r}") from error


class ByCampaign(dict[str, T], Generic[T]):
    """Results by campaign. `failed` has the errors of the campaigns without a result: Redis replied
    with an error, or its data can't be read. No campaign is in both."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: dict[str, StoreError] = {}

    def result(self, slug: str) -> T:
        """The result of this campaign. Raises its StoreError, if it failed."""
        if slug in self.failed:
            raise self.failed[slug]
        return self[slug]


def reply_each(
    slugs: Sequence[str], replies: Sequence[Any], parse: Callable[..., T]
) -> ByCampaign[T]:
    """Parse a pipeline's replies per campaign: every campaign sent the same number of commands, and
    `parse` gets the replies of one.

    Raises StoreAway if the server refused to serve any of them.
    """
    results: ByCampaign[T] = ByCampaign()
    per_campaign = len(replies) // len(slugs) if slugs else 0
    for number, slug in enumerate(slugs):
        own_replies = replies[number * per_campaign : (number + 1) * per_campaign]
        try:
            results[slug] = _parsed(slug, own_replies, parse)
        except StoreError as error:
            results.failed[slug] = error
    return results


def _parsed(slug: str, replies: Sequence[Any], parse: Callable[..., T]) -> T:
    for reply in replies:
        if isinstance(reply, redis.RedisError):
            raise failure_of(reply, slug) from reply
    with parsing_reply(f"data of {slug}"):
        return parse(*replies)
