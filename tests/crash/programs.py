"""The programs of the stage, started with the command lines of `make run` and the units."""

import http.client
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis

from config.development.process import commands
from config.development.process.commands import WEB_THREADS
from tests.crash.actors import Actor
from tests.harness import disposable, front, servers
from tests.harness.wrong_clock import WrongClock

WEBS, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")
FRONTS, OPERATORS = ("front-1", "front-2"), ("operators-1", "operators-2")
_HOURS_S = 3 * 3600
# Programs whose clock may be wrong, and by how much. A web host that is hours ahead would correctly
# refuse every token as expired.
CLOCK_SHIFTS_S = {
    WEBS[1]: (60, -60, 8, -8, -_HOURS_S),
    **dict.fromkeys((*WORKERS, "beat"), (8, -8, _HOURS_S, -_HOURS_S)),
}
MESSAGES, IN_HAND = "cq:celery", "cq:unacked"  # on the broker: a list, and a hash
CARRIED = "crash.carried"  # a broken build's task, whose messages carry claims
NOT_HERE = ("JWT_JWKS_FILE", "SECURE_SSL_REDIRECT", "PROMETHEUS_MULTIPROC_DIR")


@dataclass(frozen=True, slots=True)
class Build:
    """Which code serves: the product, or a broken build of it (`tests.crash.broken`)."""

    web: str = "config.wsgi:application"
    celery: str = "config"
    broken: str = ""


PRODUCT = Build()


def broken_build(name: str) -> Build:
    return Build("tests.crash.broken:application", "tests.crash.broken", name)


@dataclass(frozen=True, slots=True)
class HostPorts:
    """Ports of one api host: of each door at the front, and of granian behind it. Without a front
    both are the same."""

    users: int
    operators: int
    users_inner: int
    operators_inner: int
    front_metrics: int

    @classmethod
    def chosen(cls, *, fronted: bool) -> "HostPorts":
        users, operators, metrics = (servers.free_port() for _ in range(3))
        if not fronted:
            return cls(users, operators, users, operators, metrics)
        return cls(users, operators, servers.free_port(), servers.free_port(), metrics)

    @property
    def fronted(self) -> bool:
        return self.users != self.users_inner


def site_programs(
    folder: Path, env: dict[str, str], hosts: tuple[HostPorts, ...], build: Build
) -> list[Actor]:
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_HERE}
    env = inherited | env | {"BROKEN": build.broken}
    host_clock(folder, WEBS[1]).shift(CLOCK_SHIFTS_S[WEBS[1]][0])
    ours = [
        _users_door(WEBS[0], folder, env, hosts[0], build),
        _users_door(WEBS[1], folder, env, hosts[1], build),
        _operators_door(OPERATORS[0], folder, env, hosts[0]),
        _operators_door(OPERATORS[1], folder, env, hosts[1]),
        _worker_program(WORKERS[0], folder, env, 2, build),
        _worker_program(WORKERS[1], folder, env, 1, build),
        _beat_program(folder, env, build),
    ]
    for program in ours:  # as on separate hosts
        metrics = folder / f"{program.name}-metrics"
        metrics.mkdir()
        program.env = program.env | {
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        host = dict(zip(OPERATORS, WEBS, strict=True)).get(program.name, program.name)
        if host in CLOCK_SHIFTS_S:
            program.env |= host_clock(folder, host).env
    for name, host, port in zip(OPERATORS, WEBS, hosts, strict=True):
        operators = next(program for program in ours if program.name == name)
        operators.env |= {
            "DRAINING_FILE": str(draining_file(folder, host)),
            "METRICS_FOLDERS": str(folder / f"{host}-metrics"),
            "WATCHED_DOORS": f"127.0.0.1:{port.users_inner}",
        }
    named = zip(FRONTS, hosts, strict=True)
    return [*ours, *(_front_program(name, folder, host) for name, host in named if host.fronted)]


def host_clock(folder: Path, host: str) -> WrongClock:
    """The clock of the programs of this host."""
    return WrongClock(folder, host)


def draining_file(folder: Path, name: str) -> Path:
    """While this file exists, /readyz of this host fails."""
    return folder / f"{name}-draining"


def _users_door(
    name: str, folder: Path, env: dict[str, str], host: HostPorts, build: Build
) -> Actor:
    """As in `make run`, one process per host: a host that dies takes half of the requests."""
    port = host.users_inner
    return Actor(name, commands.web_command(port, application=build.web), env | {"DOOR": "users"},
                 folder / f"{name}.log", lambda: is_answering(port, "/"))  # fmt: skip


def _operators_door(name: str, folder: Path, env: dict[str, str], host: HostPorts) -> Actor:
    """As in its unit, with lower priority than the users' door."""
    port = host.operators_inner
    granian = ["nice", "-n", "10", *commands.web_command(port)]
    return Actor(name, granian, env | {"DOOR": "operators"},
                 folder / f"{name}.log", lambda: is_answering(port, "/livez"))  # fmt: skip


def _front_program(name: str, folder: Path, host: HostPorts) -> Actor:
    doors = [
        front.FrontDoor(
            "users", host.users, host.users_inner, at_once=WEB_THREADS, paths=front.API_PATHS
        ),
        front.FrontDoor("operators", host.operators, host.operators_inner, at_once=WEB_THREADS - 4,
                        body_bytes=12_288, repeatable=False, probes=True),
    ]  # fmt: skip
    configuration = front.write_configuration(folder / name, doors, metrics=host.front_metrics)
    command, log = front.haproxy_command(configuration), folder / f"{name}.log"
    return Actor(name, command, dict(os.environ), log, lambda: servers.is_listening(host.users))


def _worker_program(name: str, folder: Path, env: dict[str, str], pool: int, build: Build) -> Actor:
    command = commands.worker_command("--hostname", f"{name}@crash", pool=pool, app=build.celery)
    actor = Actor(name, command, env, folder / f"{name}.log", lambda: True)
    actor.ready = lambda: len(actor.children()) >= pool
    return actor


def _beat_program(folder: Path, env: dict[str, str], build: Build) -> Actor:
    """Ready when the lease is held, by it or for five seconds by a dead predecessor."""
    command = commands.beat_command(app=build.celery)
    return Actor("beat", command, env, folder / "beat.log", lambda: _holds_a_lease(env))


def _holds_a_lease(env: dict[str, str]) -> bool:
    with redis.Redis.from_url(env["CELERY_BROKER_URL"], socket_timeout=1) as broker:
        try:
            return bool(broker.exists("cq:beat-lease"))
        except redis.RedisError:
            return False


def redis_server(name: str, folder: Path, port: int, durability: tuple[str, ...]) -> Actor:
    home = folder / name
    home.mkdir()
    command = [
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home),
        "--maxmemory-policy", "noeviction", "--save", "",
        *disposable.REDIS_OPTIONS, *durability,
    ]  # fmt: skip
    return Actor(
        name, command, dict(os.environ), folder / f"{name}.log", lambda: servers.is_serving(port)
    )


def _mariadb_server(folder: Path, port: int) -> Actor:
    home = folder / "database"
    servers.install_mariadb(home)
    command = servers.mariadb_command(home, port)
    return Actor("database", command, dict(os.environ), folder / "database.log",
                 lambda: servers.is_listening(port))  # fmt: skip


def _mysql9_server(folder: Path, port: int) -> Actor:
    """By the script that MYSQL9_SCRIPT names, with its own data, on the programs in the script's
    cache; the server in the background belongs to the actor's process group."""
    home = folder / "database"
    home.mkdir(exist_ok=True)
    (home / "root").symlink_to(servers.mysql9_programs())
    # The script would take files of a killed server for a server that is ready.
    steps = [
        'rm -f "$D"/mysqld.pid "$D"/mysql.sock "$D"/mysqld.err',
        f"bash {shlex.quote(os.environ['MYSQL9_SCRIPT'])} start",
        'exec tail --pid=$(cat "$D/mysqld.pid") -f /dev/null',
    ]
    command = ["bash", "-c", " && ".join(steps)]
    env = {**os.environ, "D": str(home), "PORT": str(port)}
    return Actor(
        "database", command, env, folder / "database.log", lambda: servers.is_listening(port)
    )


@dataclass(frozen=True, slots=True)
class Database:
    """A kind of database: how its server is started; user, password and schema."""

    start: Callable[[Path, int], Actor]
    user: str
    password: str
    schema: str

    def url(self, port: int) -> str:
        return f"mysql://{self.user}:{self.password}@127.0.0.1:{port}/{self.schema}"


DATABASES = {
    "mariadb": Database(_mariadb_server, "coupons", "coupons", "coupons"),
    "mysql9": Database(_mysql9_server, "coupon", "couponpw", "coupon"),
}


def is_answering(port: int, path: str) -> bool:
    """Whether the answer is below 500; the users' door has no path for health checks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
