"""Servers in place of RDS and ElastiCache, each in its own namespace, as strict as in production.

TLS and passwords as in the environment; CONFIG is forbidden, as in ElastiCache. They have no
replicas, and nothing that AWS manages.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from provisioning.blueprint.redis_users import user_wants
from provisioning.blueprint.secrets import DATABASE, auth_token, every_secret
from provisioning.resources.cache_users import user_password
from provisioning.spec.model import Cache
from tests.harness.servers import start_process
from tests.rehearsal.certificates import Authority
from tests.rehearsal.onnetwork import Stage
from tests.rehearsal.topology import Place


@contextmanager
def running_stores(here: Stage, authority: Authority) -> Iterator[None]:
    with ExitStack() as stack:
        for place in here.topology.role("cache"):
            stack.enter_context(_running_redis(here, authority, place))
        for place in here.topology.role("database"):
            stack.enter_context(_running_mysql(here, authority, place))
        yield


@contextmanager
def _running_redis(here: Stage, authority: Authority, place: Place) -> Iterator[None]:
    folder = here.folder / place.name
    folder.mkdir()
    settings = folder / "redis.conf"
    settings.touch(0o600)
    cache = next(one for one in here.spec.caches if one.name == place.name)
    lines = [
        f"dir {folder}", f"bind {place.address} 127.0.0.1", "maxmemory-policy noeviction",
        "appendonly yes", 'save ""', 'rename-command CONFIG ""', "protected-mode no",
        *(_tls_options(here, authority, place, cache)
          if cache.encrypted else [f"port {place.port}"]),
    ]  # fmt: skip
    settings.write_text("\n".join(lines) + "\n")
    command = here.network.within(place.name, *_LEASH, "redis-server", str(settings))
    with start_process(command, ready=lambda: _is_listening(here, place), log=folder / "log"):
        yield


def _tls_options(here: Stage, authority: Authority, place: Place, cache: Cache) -> list[str]:
    certificate, key = authority.sign(place.dns)
    return [
        "port 0", f"tls-port {place.port}", "tls-auth-clients no",
        f"tls-cert-file {certificate}", f"tls-key-file {key}",
        f"tls-ca-cert-file {authority.file}", *_ways_in(here, cache),
    ]  # fmt: skip


def _ways_in(here: Stage, cache: Cache) -> Iterator[str]:
    """A token, or a user for each kind of host, as the environment has them."""
    secret = read_secret(here, auth_token(cache))
    if not cache.has_users:
        yield f"requirepass {secret}"
        return
    for want in user_wants(cache):
        if want.kind == "cache-user":
            name = want.props["username"]
            password = sha256(user_password(secret, name).encode()).hexdigest()
            yield f"user {name} #{password} {want.props['access']}"


@contextmanager
def _running_mysql(here: Stage, authority: Authority, place: Place) -> Iterator[None]:
    folder, wanted = here.folder / place.name, here.spec.database
    folder.mkdir()
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
         "--user=root", "--auth-root-authentication-method=socket"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    init = folder / "init.sql"
    init.touch(0o600)
    init.write_text(
        f"CREATE DATABASE {wanted.schema} CHARACTER SET utf8mb4;\n"
        f"CREATE USER '{wanted.user}'@'%' IDENTIFIED BY '{read_secret(here, DATABASE)}';\n"
        f"GRANT ALL ON *.* TO '{wanted.user}'@'%' WITH GRANT OPTION;\n"
    )
    certificate, key = authority.sign(place.dns)
    strict = "ON" if wanted.require_tls else "OFF"
    command = here.network.within(
        place.name, *_LEASH, shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults",
        "--user=root", f"--datadir={folder}/data", f"--port={place.port}",
        f"--bind-address={place.address}", f"--socket={folder}/socket", f"--pid-file={folder}/pid",
        f"--init-file={init}", f"--ssl-cert={certificate}", f"--ssl-key={key}",
        f"--require-secure-transport={strict}", "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--innodb-flush-log-at-trx-commit=1", "--log-bin", "--sync-binlog=1", "--server-id=1",
        "--binlog-format=ROW", "--innodb-buffer-pool-size=256M", "--performance-schema=OFF",
    )  # fmt: skip
    with start_process(command, ready=lambda: _is_listening(here, place), log=folder / "log"):
        yield


_LEASH = ("setpriv", "--pdeathsig", "KILL")


def _is_listening(here: Stage, place: Place) -> bool:
    """Whether it listens, checked in its own namespace, where security groups don't apply."""
    done = subprocess.run(
        here.network.within(place.name, "ss", "-Hltn", f"sport = :{place.port}"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return bool(done.stdout)


def read_secret(here: Stage, name: str) -> str:
    """A secret of the environment, as the operator reads it; the newest while it is exchanged."""
    path = f"{here.spec.path}/secrets/{name}"
    answer = here.cloud.ssm.get_parameter(Name=path, WithDecryption=True)
    return answer["Parameter"]["Value"].split(" ")[0]


def read_secrets(here: Stage) -> list[str]:
    """All secrets of the environment."""
    return [read_secret(here, one.name) for one in every_secret(here.spec)]


def query_rows(here: Stage, query: str) -> list[list[str]]:
    """Query the database through its socket, which only this machine can."""
    place = here.topology.role("database")[0]
    socket: Path = here.folder / place.name / "socket"
    done = subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={socket}", "--batch", "--skip-column-names",
         here.spec.database.schema, "-e", query],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.split("\t") for line in done.stdout.splitlines()]
