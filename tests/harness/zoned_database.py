"""A database server of the same kind as this test run's, in a time zone with daylight saving time.
Its wall clock can be set to any moment."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.harness import disposable, servers
from tests.harness.wrong_clock import WrongClock

ZONE = "Europe/Berlin"
# Start a server in a folder, with this environment. Yields its URL.
Start = Callable[[Path, dict[str, str]], AbstractContextManager[str]]


class Server:
    """`url` names its database."""

    def __init__(self, url: str, clock: WrongClock) -> None:
        self.url, self._clock = url, clock

    def set_clock(self, at: datetime) -> None:
        self._clock.shift((at - datetime.now(UTC)).total_seconds())


@contextmanager
def in_zone(folder: Path, at: datetime, start: Start) -> Iterator[Server]:
    """Start a server whose clock shows `at`. `start`: `start_mariadb` or `start_mysql9`."""
    clock = WrongClock(folder)
    clock.shift((at - datetime.now(UTC)).total_seconds())
    with start(folder / "zone", {"TZ": ZONE, **clock.env}) as url:
        disposable.mark_database(url)
        yield Server(url, clock)


@contextmanager
def start_mariadb(folder: Path, env: dict[str, str]) -> Iterator[str]:
    port = servers.free_port()
    servers.install_mariadb(folder)
    words = (f"{name}={value}" for name, value in env.items())
    command = ["env", *words, *servers.mariadb_command(folder, port)]
    with servers.start_process(
        command, ready=lambda: servers.is_listening(port), log=folder / "log"
    ):
        yield f"mysql://coupons:coupons@127.0.0.1:{port}/coupons"


@contextmanager
def start_mysql9(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """Start it with the script of `MYSQL9_SCRIPT`, on the programs in the script's cache, with its
    own data."""
    folder.mkdir()
    (folder / "root").symlink_to(servers.mysql9_programs())
    script, port = os.environ["MYSQL9_SCRIPT"], servers.free_port()
    with_port = os.environ | {"D": str(folder), "PORT": str(port)}
    subprocess.run(["bash", script, "start"], env=with_port | env, check=True)
    try:
        yield f"mysql://coupon:couponpw@127.0.0.1:{port}/coupon"
    finally:
        subprocess.run(["bash", script, "stop"], env=with_port, check=True)
