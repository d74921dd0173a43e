"""A second Redis that decides for a while, in the same process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import override_settings

from coupons.campaigns import lookup
from tests.harness import servers
from tests.harness.store_override import forget_store

# No rewriting of the append-only file: it would start at random times and disturb a block.
_QUIET = ("--auto-aof-rewrite-percentage", "0")


@contextmanager
def another_redis(folder: Path, *, program: str = "redis-server") -> Iterator[str]:
    with servers.start_redis(folder, extra=_QUIET, program=program) as url:
        yield url


@contextmanager
def use_redis(url: str) -> Iterator[None]:
    """Use this Redis in the block, and the former one afterwards; clears the caches both times."""
    try:
        with override_settings(REDIS_URL=url):
            _clear_caches()
            yield
    finally:
        _clear_caches()


def _clear_caches() -> None:
    forget_store()
    lookup.clear_snapshots()
