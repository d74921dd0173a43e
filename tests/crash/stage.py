"""All processes that serve an opening, on private ports, behind a misbehaving proxy. Two web hosts,
two Celery workers (a parent and two children; a parent and one), beat, the deciding Redis (AOF,
fsync at every write), a broker without persistence, and the database.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
import redis
from django.core.management import call_command
from django.utils.module_loading import import_string

from tests.crash.actors import Cast
from tests.crash.programs import (
    DATABASES,
    NOT_HERE,
    PRODUCT,
    WEBS,
    Build,
    Database,
    HostPorts,
    redis_server,
    site_programs,
)
from tests.harness import disposable, servers
from tests.harness.proxy import ProxyRoute, start_proxy

ROOT = Path(__file__).resolve().parents[2]
ROUTES = ("store", "broker", "database", "link")
NOTHING: Mapping[str, str] = {}
_LASTING = (
    "--appendonly", "yes", "--appendfsync", "always",
    "--repl-diskless-sync-delay", "0",  # a first copy to a replica begins at once
)  # fmt: skip
_FORGETFUL = ("--appendonly", "no")  # of the build `no_append_only_file`

# Settings of the product as an operator may set them; all others are its defaults.
_SETTINGS = {
    "COUPONS_ENV": "local",
    "DRAIN_TAKE_OVER_MS": "1000",  # sooner than in production, so that it happens in short runs
    "CLAIMS_PER_USER_PER_S": "0",
    "REQUESTS_PER_USER_PER_S": "0",
    "LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The site of a run. `env` and `ports` name the servers, `routes` the proxy before them."""

    folder: Path
    cast: Cast
    routes: dict[str, ProxyRoute]
    env: dict[str, str]
    hosts: tuple[HostPorts, ...]
    ports: dict[str, int]
    database: Database

    @property
    def web_ports(self) -> tuple[int, ...]:
        """Where users claim, on each api host."""
        return tuple(host.users for host in self.hosts)

    @property
    def database_port(self) -> int:
        return self.ports["database"]

    @property
    def database_login(self) -> dict[str, str]:
        kind = self.database
        return {"user": kind.user, "password": kind.password, "database": kind.schema}

    def store(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["REDIS_URL"], socket_timeout=5)

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["CELERY_BROKER_URL"], socket_timeout=5)

    def manage(self, *words: str, patience_s: float = 120) -> str:
        """Run `manage.py` as an operator does. Returns its standard output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=os.environ | self.env,
            capture_output=True, text=True, timeout=patience_s, check=True,
        )  # fmt: skip
        return done.stdout


@contextmanager
def start_stage(
    *,
    database: str = "mariadb",
    build: Build = PRODUCT,
    settings: Mapping[str, str] = NOTHING,
    replica: bool = False,
    proxied: bool = True,
    fronted: bool = True,
) -> Iterator[Stage]:
    """Inside the block Django is set up for the servers, and `coupons` may be imported.

    `settings` are further settings of the product. With a `replica` there is a second Redis,
    `store-2`, and a route `link` between the two; it does not replicate yet. Experiments without
    network faults need not be `proxied`: the proxy costs half a core. An api host that is not
    `fronted` has no HAProxy before its doors, as in `make run`.
    """
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="coupons-crash-"))
        folder = Path(name)
        ports = {route: servers.free_port() for route in ROUTES}
        ports["link"] = ports["store"]
        routes = stack.enter_context(start_proxy(ports, folder / "proxy.log"))
        front = {name: route.port for name, route in routes.items()}
        kind = DATABASES[database]
        direct = _site_environment(ports, kind)
        through = direct | _site_environment(front if proxied else ports, kind)
        hosts = tuple(HostPorts.chosen(fronted=fronted) for _ in WEBS)
        durability = _FORGETFUL if build.broken == "no_append_only_file" else _LASTING
        actors = [
            redis_server("store", folder, ports["store"], durability),
            redis_server("broker", folder, ports["broker"], ("--appendonly", "no")),
            kind.start(folder, ports["database"]),
        ]  # fmt: skip
        if replica:
            actors.append(redis_server("store-2", folder, second := servers.free_port(), _LASTING))
            ports["store-2"] = second
            direct["REDIS_URL"] = through["REDIS_URL"]  # the primary may change
        through |= settings
        cast = stack.enter_context(Cast([*actors, *site_programs(folder, through, hosts, build)]))
        cast.await_ready("store", "broker", "database")
        disposable.mark_database(direct["DATABASE_URL"])
        disposable.demand_marks(direct)  # runs empty and kill these servers
        _set_up_django(direct)
        if build.broken == "no_unique_keys":
            import_string("tests.crash.broken.drop_keys")()
        cast.await_ready()
        yield Stage(folder, cast, routes, direct, hosts, ports, kind)


def _set_up_django(env: dict[str, str]) -> None:
    os.environ.update(env)
    for elsewhere in NOT_HERE:
        os.environ.pop(elsewhere, None)
    django.setup()
    call_command("migrate", verbosity=0)


def _site_environment(ports: dict[str, int], kind: Database) -> dict[str, str]:
    return _SETTINGS | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "REDIS_URL": f"redis://127.0.0.1:{ports['store']}/0",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{ports['broker']}/0",
        "DATABASE_URL": kind.url(ports["database"]),
        "PYTHONPATH": str(ROOT),
    }
