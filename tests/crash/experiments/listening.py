"""Which claims reach the deciding store, by its MONITOR command."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import redis

from coupons.store import store
from coupons.store.admission import ADMIT
from tests.crash.stage import Stage

_USER = 9  # EVALSHA, its hash, how many keys, five keys, the claimant's field, the user


@contextmanager
def count_scripts(stage: Stage) -> Iterator[Counter[str]]:
    """Yields the number of runs of the admission script by user, filled until the block ends."""
    by_user: Counter[str] = Counter()
    store().server.load_scripts()  # or the first calls fail with NOSCRIPT and are sent again
    client = redis.Redis.from_url(stage.env["REDIS_URL"])
    with client, client.monitor() as monitor:  # type: ignore[no-untyped-call]

        def listen() -> None:
            for command in monitor.listen():
                words = str(command["command"]).split(" ")
                if words[0].upper() == "EVALSHA" and words[1] == ADMIT.sha:
                    by_user[words[_USER]] += 1

        Thread(target=_until_closed, args=(listen,), daemon=True).start()
        yield by_user


def _until_closed(listen: Callable[[], None]) -> None:
    with suppress(redis.RedisError, OSError, ValueError, AttributeError):
        listen()
