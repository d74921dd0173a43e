"""Everything that serves an opening, as real processes on private ports, behind a proxy that can
misbehave. Two web hosts, two Celery workers (a parent and two children; a parent and one), beat,
the store that decides (AOF, flushed at every write), a broker without memory, and the database.
"""

import http.client
import os
import shutil
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

from tests import servers
from tests.crash.actors import Actor, Cast
from tests.crash.proxies import Proxies

ROOT = Path(__file__).resolve().parents[2]
WEBS, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")
CLOCK_SHIFTS_S = (60, -60)  # of the second web host
ROUTES = ("store", "broker", "database", "link")
NOTHING: Mapping[str, str] = {}
_LASTING = (
    "--appendonly", "yes", "--appendfsync", "always",
    "--repl-diskless-sync-delay", "0",  # seconds that a replica-to-be waits for company
)  # fmt: skip
_NOT_HERE = ("JWT_JWKS_FILE", "SECURE_SSL_REDIRECT", "PROMETHEUS_MULTIPROC_DIR")

# Settings of the product as an operator may set them; all others are its defaults.
_SETTINGS = {
    "COUPONS_ENV": "local",
    "DRAIN_TAKE_OVER_MS": "1000",  # sooner: a run need not wait for it, and it is more often wrong
    "CLAIMS_PER_USER_PER_S": "0",
    "LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True, slots=True)
class Build:
    """Which code serves: the product, or a broken build of it (`tests.crash.broken`)."""

    web: str = "config.wsgi:application"
    celery: str = "config"
    broken: str = ""


PRODUCT = Build()


def broken(name: str) -> Build:
    return Build("tests.crash.broken:application", "tests.crash.broken", name)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a run plays on. `env` and `ports` name the servers themselves, `front` the proxy."""

    folder: Path
    cast: Cast
    proxies: Proxies
    env: dict[str, str]
    web_ports: tuple[int, ...]
    ports: dict[str, int]
    front: dict[str, int]

    @property
    def database_port(self) -> int:
        return self.ports["database"]

    @property
    def database_login(self) -> dict[str, str]:
        return {"user": "coupons", "password": "coupons", "database": "coupons"}

    def store(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["REDIS_URL"], socket_timeout=5)

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["CELERY_BROKER_URL"], socket_timeout=5)

    def manage(self, *words: str, patience_s: float = 120) -> str:
        """`manage.py` as an operator runs it."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=os.environ | self.env,
            capture_output=True, text=True, timeout=patience_s, check=True,
        )  # fmt: skip
        return done.stdout


@contextmanager
def stage(
    *,
    database: str = "mariadb",
    build: Build = PRODUCT,
    settings: Mapping[str, str] = NOTHING,
    replica: bool = False,
) -> Iterator[Stage]:
    """Inside, Django is set up for the servers themselves, and `coupons` may be imported.

    `settings` are further settings of the product. With a `replica` there is a second Redis,
    `store-2`, and a route `link` between the two; nobody has told it to follow yet.
    """
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="coupons-crash-"))
        folder = Path(name)
        ports = {route: servers.free_port() for route in ROUTES}
        front = {route: servers.free_port() for route in ports}
        ports["link"] = ports["store"]
        proxies = stack.enter_context(Proxies.started(front, ports, folder / "proxy.log"))
        url = _database_url(database, ports["database"])
        direct = _environment(folder, ports, url)
        through = direct | _environment(folder, front, url.replace(
            f":{ports['database']}/", f":{front['database']}/"))  # fmt: skip
        webs = tuple(servers.free_port() for _ in WEBS)
        actors = [
            _redis("store", folder, ports["store"], _LASTING),
            _redis("broker", folder, ports["broker"], ("--appendonly", "no")),
            DATABASES[database](folder, ports["database"]),
        ]  # fmt: skip
        if replica:
            actors.append(_redis("store-2", folder, second := servers.free_port(), _LASTING))
            ports["store-2"] = second
            direct["REDIS_URL"] = through["REDIS_URL"]  # it may move from one to the other
        through |= settings
        cast = stack.enter_context(Cast([*actors, *_programs(folder, through, webs, build)]))
        cast.await_ready("store", "broker", "database")
        _set_up_django(direct)
        if build.broken == "no_unique_keys":
            import_string("tests.crash.broken.drop_keys")()
        cast.await_ready(*WEBS, *WORKERS, "beat")
        yield Stage(folder, cast, proxies, direct, webs, ports, front)


def _set_up_django(env: dict[str, str]) -> None:
    os.environ.update(env)
    for elsewhere in _NOT_HERE:
        os.environ.pop(elsewhere, None)
    django.setup()
    call_command("migrate", verbosity=0)


def _environment(folder: Path, ports: dict[str, int], database_url: str) -> dict[str, str]:
    return _SETTINGS | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "REDIS_URL": f"redis://127.0.0.1:{ports['store']}/0",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{ports['broker']}/0",
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _programs(
    folder: Path, env: dict[str, str], web_ports: tuple[int, ...], build: Build
) -> list[Actor]:
    inherited = {name: said for name, said in os.environ.items() if name not in _NOT_HERE}
    env = inherited | env | {"BROKEN": build.broken}
    patient = env | {"CELERY_WORKER": "1"}
    shifted = env | _shifted_clock(folder)
    programs = [
        _web(WEBS[0], folder, env, web_ports[0], build),
        _web(WEBS[1], folder, shifted, web_ports[1], build),
        _worker(WORKERS[0], folder, patient, 2, build),
        _worker(WORKERS[1], folder, patient, 1, build),
        _beat(folder, patient, build),
    ]
    for program in programs:  # as on hosts of their own
        metrics = folder / f"{program.name}-metrics"
        metrics.mkdir()
        program.env = program.env | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return programs


def _web(name: str, folder: Path, env: dict[str, str], port: int, build: Build) -> Actor:
    """As `make run` serves, one process per host: a host that dies takes half of all with it."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "16",
        "--backlog", "1024", "--respawn-failed-workers", build.web,
    ]  # fmt: skip
    return Actor(name, command, env, folder / f"{name}.log", lambda: answers(port, "/livez"))


def _worker(name: str, folder: Path, env: dict[str, str], pool: int, build: Build) -> Actor:
    command = [
        sys.executable, "-m", "celery", "-A", build.celery, "worker", "--concurrency", str(pool),
        "--loglevel", "WARNING", "--hostname", f"{name}@crash", "--without-gossip",
        "--without-mingle",
    ]  # fmt: skip
    actor = Actor(name, command, env, folder / f"{name}.log", lambda: True)
    actor.ready = lambda: len(actor.children()) >= pool
    return actor


def _beat(folder: Path, env: dict[str, str], build: Build) -> Actor:
    schedule = folder / "beat-schedule"
    command = [
        sys.executable, "-m", "celery", "-A", build.celery, "beat", "--loglevel", "WARNING",
        "--schedule", str(schedule), "--pidfile=",
    ]  # fmt: skip
    return Actor("beat", command, env, folder / "beat.log",
                 lambda: any(folder.glob("beat-schedule*")))  # fmt: skip


def _redis(name: str, folder: Path, port: int, durability: tuple[str, ...]) -> Actor:
    home = folder / name
    home.mkdir()
    command = [
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home),
        "--maxmemory-policy", "noeviction", "--save", "", *durability,
    ]  # fmt: skip
    return Actor(
        name, command, dict(os.environ), folder / f"{name}.log", lambda: servers.pings(port)
    )


def _mariadb(folder: Path, port: int) -> Actor:
    home = folder / "database"
    servers.install_mariadb(home)
    command = servers.mariadb_command(home, port)
    return Actor("database", command, dict(os.environ), folder / "database.log",
                 lambda: servers.listens(port))  # fmt: skip


DATABASES = {"mariadb": _mariadb}


def _database_url(database: str, port: int) -> str:
    return f"mysql://coupons:coupons@127.0.0.1:{port}/coupons"


def _shifted_clock(folder: Path) -> dict[str, str]:
    """The environment of a process whose wall clock is wrong, by a preloaded library."""
    library = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    gcc = shutil.which("gcc") or "cc"
    subprocess.run([gcc, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT_S": str(CLOCK_SHIFTS_S[0])}


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
