"""Another Redis to decide for a while, in the same process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import override_settings

from coupons.campaigns import lookup
from coupons.store import store
from tests import servers

# The append-only file stays, its rewriting by a child process does not: it would come by chance.
_QUIET = ("--auto-aof-rewrite-percentage", "0")


@contextmanager
def another_redis(folder: Path, *, program: str = "redis-server") -> Iterator[str]:
    with servers.redis(folder, extra=_QUIET, program=program) as url:
        yield url


@contextmanager
def use_redis(url: str) -> Iterator[None]:
    """This Redis decides; afterwards the former one again, with nothing remembered of either."""
    try:
        with override_settings(REDIS_URL=url):
            _forget()
            yield
    finally:
        _forget()


def _forget() -> None:
    store.cache_clear()
    lookup.clear_snapshots()
