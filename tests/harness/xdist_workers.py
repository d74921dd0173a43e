"""`pytest -n 4`: workers that share nothing but the database's server.

Each worker has a Redis of its own, since tests empty it, count its commands and set its options;
pytest-django gives each a schema. Both live from the start of the session to its end.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.harness import servers


def give_way_to_servers() -> None:
    """A test, and what it starts, waits for the servers, which answer within a timeout of half a
    second also where more processes run than there are cores."""
    os.nice(10)


def give_servers(specs: list[Any], until: ExitStack) -> None:
    """Start a Redis for each worker process; closing `until` stops them. `specs`: execnet's."""
    memory = Path("/dev/shm")  # where no other program's writes make a Redis wait for its file
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    made = tempfile.TemporaryDirectory(prefix="coupons-workers-", dir=parent)
    folder = Path(until.enter_context(made))
    for n, spec in enumerate(specs):
        spec.env["REDIS_URL"] = until.enter_context(servers.start_redis(folder / f"redis-{n}"))
