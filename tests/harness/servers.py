"""Real Redis and database servers on private ports, each with a data folder of its own. Nothing
outside the folder is touched, and only processes started here are ended.

`python -m tests.servers` (tests/servers.py) runs a command on them.
"""

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from config.development.process import ports
from config.development.process.programs import Program
from tests.harness import disposable

Environment = Mapping[str, str]
START_S = 60  # a first start of MariaDB on a slow disk
STOP_S = 30  # of MariaDB on the same disk
FEW_CONNECTIONS = "coupons_few"  # an account of MariaDB that may open five, with the same password


free_port = ports.free_port


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_serving(port: int) -> bool:
    """Whether a Redis answers PING with PONG, which it does not while it loads its data."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
        probe.sendall(b"PING\r\n")
        return probe.recv(7) == b"+PONG\r\n"
    return False


@contextmanager
def start_process(
    command: Sequence[str], *, ready: Callable[[], bool], log: Path, env: Environment | None = None
) -> Iterator[int]:
    """Run a server; enters when it is `ready`. `env` is added to this process's environment. Yields
    its pid. Raises Trouble, with the end of its log, if it does not start."""
    with start_program(command, log=log, env=env) as program:
        program.wait_until(ready, patience_s=START_S)
        yield program.pid


def start_program(command: Sequence[str], *, log: Path, env: Environment | None = None) -> Program:
    """Start a program without waiting for it; a context manager that ends it."""
    name = Path(command[0]).name
    whole = os.environ | (env or {})
    return Program(name, command, env=whole, log=log, cwd=Path.cwd(), stop_s=STOP_S)


@contextmanager
def start_redis(
    folder: Path, *, port: int = 0, extra: tuple[str, ...] = (), program: str = "redis-server"
) -> Iterator[str]:
    """A Redis as in production: noeviction, append-only. Yields its URL."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--maxmemory-policy",
        "noeviction",
        "--appendonly",
        "yes",
        "--save",
        "",
        *disposable.REDIS_OPTIONS,
        *extra,
    ]
    with start_process(command, ready=lambda: is_serving(port), log=folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def start_mariadb(folder: Path, *, port: int = 0) -> Iterator[str]:
    """A MariaDB with MySQL's durability (flush and sync at every commit). Yields its URL."""
    port = port or free_port()
    install_mariadb(folder)
    command = mariadb_command(folder, port)
    url = f"mysql://coupons:coupons@127.0.0.1:{port}/coupons"
    with start_process(command, ready=lambda: is_listening(port), log=folder / "mariadb.log"):
        disposable.mark_database(url)
        yield url


def install_mariadb(folder: Path) -> None:
    """An empty data folder, unless there is one already."""
    data = folder / "data"
    if data.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            *_temporary(folder),
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            *_as_root(),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def mariadb_command(folder: Path, port: int) -> list[str]:
    init = folder / "init.sql"
    init.write_text(
        "CREATE DATABASE IF NOT EXISTS coupons CHARACTER SET utf8mb4;\n"
        "CREATE USER IF NOT EXISTS 'coupons'@'127.0.0.1' IDENTIFIED BY 'coupons';\n"
        "GRANT ALL ON *.* TO 'coupons'@'127.0.0.1';\n"
        f"CREATE USER IF NOT EXISTS '{FEW_CONNECTIONS}'@'127.0.0.1' IDENTIFIED BY 'coupons'\n"
        "WITH MAX_USER_CONNECTIONS 5;\n"
        f"GRANT ALL ON *.* TO '{FEW_CONNECTIONS}'@'127.0.0.1';\n"
    )
    return [
        shutil.which("mariadbd") or "/usr/sbin/mariadbd",
        "--no-defaults",
        *_as_root(),
        f"--datadir={folder / 'data'}",
        *_temporary(folder),
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder}/mysqld.sock",
        f"--pid-file={folder}/mysqld.pid",
        f"--init-file={init}",
        "--skip-name-resolve",
        "--max-connections=400",
        "--innodb-buffer-pool-size=256M",
        "--innodb-flush-log-at-trx-commit=1",
        "--log-bin",
        "--sync-binlog=1",
        "--binlog-format=ROW",
        "--server-id=1",
        "--performance-schema=OFF",
    ]


def _temporary(folder: Path) -> list[str]:
    """A folder of its own: a server that starts removes the temporary tables that it finds, and in
    /tmp those of another server, whereupon both fail."""
    tmp = folder / "tmp"
    tmp.mkdir(exist_ok=True)
    return [f"--tmpdir={tmp}"]


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@contextmanager
def start_mysql9(folder: Path) -> Iterator[str]:
    """A MySQL 9 by the script named in `MYSQL9_SCRIPT`, which keeps its files in a cache."""
    script, port = os.environ["MYSQL9_SCRIPT"], free_port()
    env = os.environ | {"PORT": str(port)}
    with _mysql9_cache():
        subprocess.run(["bash", script, "start"], env=env, check=True)
    url = f"mysql://coupon:couponpw@127.0.0.1:{port}/coupon"
    try:
        disposable.mark_database(url)
        yield url
    finally:
        subprocess.run(["bash", script, "stop"], env=env, check=True)


def mysql9_programs() -> Path:
    """The folder of MySQL 9's programs in the cache of `MYSQL9_SCRIPT`, which fetches them when it
    starts a server for the first time: that takes a minute."""
    with _mysql9_cache() as cache:
        if not (cache / "root" / "usr" / "sbin" / "mysqld").exists():
            env = os.environ | {"PORT": str(free_port())}
            for verb in ("start", "stop"):
                subprocess.run(["bash", os.environ["MYSQL9_SCRIPT"], verb], env=env, check=True)
    return cache / "root"


@contextmanager
def _mysql9_cache() -> Iterator[Path]:
    """The script's folder, for one process at a time: several would fetch the same programs."""
    cache = Path(os.environ.get("D", Path.home() / ".cache" / "coupons-mysql9"))
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache


@contextmanager
def use_sqlite(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    yield f"sqlite:///{folder}/coupons.sqlite3"


DATABASES = {"mariadb": start_mariadb, "mysql9": start_mysql9, "sqlite": use_sqlite}
