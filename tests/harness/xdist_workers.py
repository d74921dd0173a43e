"""`pytest -n 4`: workers that share only the database server.

Each worker has its own Redis, since tests empty it, count its commands and set its options;
pytest-django gives each its own schema. Both last from the start of the session to its end.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.harness import servers


def give_way_to_servers() -> None:
    """Lower this process's priority below the servers', which must answer within a timeout of half
    a second although more processes run than there are cores."""
    os.nice(10)


def give_servers(specs: list[Any], until: ExitStack) -> None:
    """Start a Redis for each worker process; closing `until` stops them. `specs`: execnet's."""
    memory = Path("/dev/shm")  # so that a Redis never waits for a disk that other programs write to
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    made = tempfile.TemporaryDirectory(prefix="coupons-workers-", dir=parent)
    folder = Path(until.enter_context(made))
    for n, spec in enumerate(specs):
        spec.env["REDIS_URL"] = until.enter_context(servers.start_redis(folder / f"redis-{n}"))
