"""Fixtures of all tests: real servers from the environment, campaigns, users with tokens."""

import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from coupons import store
from coupons.campaigns import lifecycle, lookup, snapshot
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.identity import user_tokens
from coupons.models import Campaign
from coupons.monitoring import clock_skew
from coupons.observability import hot_counters
from coupons.runtime import runtime
from tests.harness import (
    disposable,
    logs,
    long_sessions,  # noqa: F401 - connects a signal handler
    xdist_workers,
)
from tests.harness.servers import free_port
from tests.harness.store_override import forget_store

CampaignMaker = Callable[..., CampaignSnapshot]
Settings = Any  # pytest-django's `settings` fixture
_SERVERS = ("REDIS_URL", "DATABASE_URL")
REDIS_TIMEOUT_S = 1.0  # a busy machine is no Redis that is away; the longest without a warning
_RUN_THEM = (
    "Run the tests on servers of their own:\n"
    "  .venv/bin/python -m tests.servers .venv/bin/python -m pytest …   (or: make test)"
)

# Without limits of time for a drawn example, as Hypothesis itself has none in CI: a busy machine
# is no failure.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what ends in "&"
        signal.signal(signal.SIGINT, signal.default_int_handler)  # our programs would inherit it
    if hasattr(config, "workerinput"):
        xdist_workers.give_way_to_servers()
    django_settings.REDIS_TIMEOUT_S = REDIS_TIMEOUT_S
    missing = [name for name in _SERVERS if name not in os.environ]
    if len(missing) == len(_SERVERS):
        _restart_on_own_servers(config)
    if missing:
        raise pytest.UsageError(f"{' and '.join(missing)} not set. {_RUN_THEM}")
    try:
        disposable.demand_marks(os.environ)
    except disposable.NotOurs as server:
        raise pytest.UsageError(
            f"{server} was not started by the tests, which would empty it. {_RUN_THEM}"
        ) from None


def _restart_on_own_servers(config: pytest.Config) -> None:
    """Without servers in the environment, run the same pytest under `tests.servers`, which starts
    them and stops them at its end."""
    config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(config.rootpath), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    ).rstrip(os.pathsep)
    python = sys.executable
    on_servers = [python, "-m", "tests.servers", python, "-m", "pytest"]
    os.execv(python, [*on_servers, *config.invocation_params.args])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    until = ExitStack()
    config.add_cleanup(until.close)
    xdist_workers.give_servers(specs, until)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take minutes first: started last, one would end long after the other workers.
    Workers must collect the same tests, and an object's address differs between processes."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid} is named after an address: give it an id.")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failure shows the last lines of what the test's own programs have logged."""
    report: pytest.TestReport = yield
    if report.failed:
        report.sections += logs.last_lines(item.stash.get(logs.FOLDER, None))
    return report


@pytest.fixture
def tmp_path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """pytest's, noted for a failure."""
    request.node.stash[logs.FOLDER] = tmp_path
    return tmp_path


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Keep SQLite in a file: other processes can't open a database in this one's memory."""
    if connection.vendor == "sqlite":
        name = tmp_path_factory.mktemp("sqlite") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(name)


@pytest.fixture(autouse=True)
def fresh_runtime() -> None:
    """Start each test with a runtime of a new process, and an empty Redis."""
    hot_counters.flush_counters()  # or claims of the last test are counted during this one
    with hot_counters._buffer.current.sending:  # nor added to this one's Redis
        hot_counters._buffer.current.unsent.clear()
    clock_skew.reporter.current.withdraw()  # ends the thread that importing `config.wsgi` starts
    runtime.start_fresh()
    disposable.empty_redis(store.store().client)


@pytest.fixture
def draft(db: None) -> Callable[..., Campaign]:
    """Make a draft: `draft("sale", stock=10, …)`; everything has a sensible default."""

    def make(slug: str = "sale", **fields: Any) -> Campaign:
        now = timezone.now()
        defaults: dict[str, Any] = {
            "name": f"The {slug}",
            "stock": 10,
            "opens_at": now - timedelta(seconds=1),
            "closes_at": now + timedelta(hours=1),
            "discount_value": 10,
            "valid_days": 30,
        }
        return lifecycle.save_draft(Campaign(slug=slug, **defaults | fields), actor="Mina")

    return make


@pytest.fixture
def open_campaign(draft: Callable[..., Campaign]) -> CampaignMaker:
    """A scheduled campaign whose window is open, unless `fields` have another."""

    def make(slug: str = "sale", **fields: Any) -> CampaignSnapshot:
        draft(slug, **fields)
        return snapshot.snapshot_of(lifecycle.schedule_campaign(slug, actor="Mina"))

    return make


class Person:
    """A user with a token who sends HTTP requests."""

    def __init__(self, name: str, segments: tuple[str, ...] = ()) -> None:
        self.name = name
        self.client = Client(
            headers={"Authorization": f"Bearer {user_tokens.mint_token(name, segments=segments)}"}
        )

    def claims(self, slug: str = "sale", body: Any = None) -> Any:
        data = b"" if body is None else body
        path = f"/api/v1/campaigns/{slug}/claims"
        return self.client.post(path, data=data, content_type="application/json")

    def asks(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}")


@pytest.fixture
def person() -> type[Person]:
    return Person


@pytest.fixture
def redis_away(settings: Any) -> Iterator[Any]:
    """A function; after it is called, `REDIS_URL` names a port on which no server listens."""

    def away() -> None:
        settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
        forget_store()

    yield away
    forget_store()
    lookup.clear_snapshots()


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a process that shall see this test's database."""
    return _environment_of_database()


@pytest.fixture(scope="module")
def shared_environment(django_db_setup: None) -> dict[str, str]:
    """The environment of a process that serves several tests, each with its own rows."""
    return _environment_of_database()


def _environment_of_database() -> dict[str, str]:
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"]
    if connection.vendor == "mysql":
        url = url.rsplit("/", 1)[0] + f"/{name}"
    else:
        url = f"sqlite:///{name}"
    return os.environ | {"DATABASE_URL": url, "REDIS_TIMEOUT_S": str(REDIS_TIMEOUT_S)}


@pytest.fixture(scope="session")
def collected_static() -> None:
    """Collect static files, as a release does, for sites in production mode."""
    root = Path(django_settings.STATIC_ROOT)
    root.parent.mkdir(exist_ok=True)
    with (root.parent / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process at a time: all write to one folder
        call_command("collectstatic", interactive=False, verbosity=0, post_process=False)
        for packed in [*root.rglob("*.br"), *root.rglob("*.gz")]:  # of an earlier release here
            packed.unlink()
