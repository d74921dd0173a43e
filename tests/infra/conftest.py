"""What the roles render, once for all tests of a process; and running sites that a Prometheus
watches, for the faults that raise alerts."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.harness import disposable, servers
from tests.harness.store_override import forget_store
from tests.harness.wrong_clock import WrongClock
from tests.infra import watched_site
from tests.infra.rendered_roles import Rendered, render_all_roles
from tests.infra.watched_site import Site

PATIENCE_S = "600"  # WORKER_PATIENCE_S of a site


@pytest.fixture(scope="session")
def rendered_hosts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render_all_roles(tmp_path_factory.mktemp("rendered"))


@pytest.fixture
def worker_patience() -> str:
    """WORKER_PATIENCE_S of the site."""
    return PATIENCE_S


@pytest.fixture
def redis_clock(tmp_path: Path) -> WrongClock:
    """Of the deciding Redis alone."""
    return WrongClock(tmp_path, "redis-clock")


def _redis_on(clock: WrongClock, folder: Path) -> str:
    """A program that is Redis with this clock."""
    program = folder / "redis-on-its-clock"
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in clock.env.items())
    program.write_text(f'#!/bin/sh\nexec env {given} redis-server "$@"\n')
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def monitored_site(
    child_environment: dict[str, str],
    worker_patience: str,
    redis_clock: WrongClock,
    settings: Any,
    tmp_path: Path,
) -> Iterator[Site]:
    """A running site of the test's own; this process creates campaigns in its stores directly, not
    through the proxies."""
    with _start_site(child_environment, tmp_path, redis_clock, worker_patience) as running:
        settings.REDIS_URL = running.redis_url
        forget_store()
        yield running
    forget_store()


@pytest.fixture(scope="module")
def shared_site(
    shared_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A running site for faults that leave nothing behind."""
    folder = tmp_path_factory.mktemp("site")
    clock = WrongClock(folder, "redis-clock")  # which stays right
    # A campaign of the last test is not remembered.
    forgetful = shared_environment | {"FACTS_TTL_S": "0"}
    with _start_site(forgetful, folder, clock, PATIENCE_S) as running:
        yield running


@pytest.fixture
def undamaged_site(shared_site: Site, transactional_db: None, settings: Any) -> Iterator[Site]:
    """The shared site, with no campaign in it. Another test may have raised an alert a moment ago:
    see `Site.wait_until_quiet`."""
    settings.REDIS_URL = shared_site.redis_url
    forget_store()
    disposable.empty_redis(shared_site.redis)
    yield shared_site
    forget_store()


@contextmanager
def _start_site(
    environment: dict[str, str], folder: Path, redis_clock: WrongClock, worker_patience: str
) -> Iterator[Site]:
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no connections to be counted")
    given = environment | {
        "WORKER_PATIENCE_S": worker_patience,
        "HOLD_BACK_S": "600",
        "REDIS_TIMEOUT_S": "2",
    }
    with (
        servers.start_redis(folder / "redis", program=_redis_on(redis_clock, folder)) as url,
        watched_site.running_site(given, folder, url) as running,
    ):
        yield running
