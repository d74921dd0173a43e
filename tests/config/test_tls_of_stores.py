"""Every client of a store refuses a server that isn't the one it was told: a wrong name, a wrong
authority, no TLS. And the controls: with less in the URL the same clients connect to impostors."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import MySQLdb
import pytest
import redis
from django.db.backends.mysql.base import DatabaseWrapper
from flower.utils.broker import Broker as FlowersBroker
from kombu.connection import Connection as Kombu
from kombu.exceptions import OperationalError as KombuAway

from config import store_urls
from config.development.process.redis_answers import redis_complaint
from config.settings import database
from config.worker.queue_limits import Broker
from coupons.broker import connections
from coupons.errors import StoreFailure
from coupons.monitoring.store_tls import mysql_tls_fault, redis_tls_fault
from coupons.store import Store
from tests.harness import servers
from tests.rehearsal.certificates import Authority

pytestmark = pytest.mark.slow

ADDRESS = "127.0.0.1"
PATIENCE = connections._ONE_ATTEMPT | {"socket_timeout": 5}  # s; a plain Redis waits for more
RIGHT, OTHER_NAME, STRANGER, PLAIN = "right", "other name", "stranger", "plain"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The port of each kind: as it should be, with a certificate for another name, with one of
    another authority, and without TLS. `authority`: the file of the right one."""

    authority: str
    ports: dict[str, int]


def certificates(folder: Path) -> dict[str, tuple[Path, Path, Path]]:
    """By server: certificate, key, and the authority's certificate."""
    ours, another = Authority(folder / "ours"), Authority(folder / "another")
    return {
        RIGHT: (*ours.sign(ADDRESS), ours.file),
        OTHER_NAME: (*ours.sign("other.example"), ours.file),
        STRANGER: (*another.sign(ADDRESS), another.file),
    }


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("tls")
    made = certificates(folder)
    ports = {name: servers.free_port() for name in (*made, PLAIN)}
    with contextlib.ExitStack() as stack:
        for name, port in ports.items():
            tls = _redis_tls(port, *made[name]) if name in made else ()
            start = servers.start_process(
                ["redis-server", "--port", "0" if tls else str(port), "--save", "", *tls],
                ready=partial(servers.is_listening, port), log=folder / f"{name}.redis",
            )  # fmt: skip
            stack.enter_context(start)
        yield Servers(authority=str(made[RIGHT][2]), ports=ports)


@contextlib.contextmanager
def started_mariadbs(folder: Path) -> Iterator[Servers]:
    made = certificates(folder)
    ports = {name: servers.free_port() for name in (*made, PLAIN)}
    with contextlib.ExitStack() as stack:
        for name, port in ports.items():
            stack.enter_context(
                _started_mariadb(folder / f"db-{name.split()[0]}", port, made.get(name))
            )
        yield Servers(authority=str(made[RIGHT][2]), ports=ports)


def _redis_tls(port: int, certificate: Path, key: Path, authority: Path) -> tuple[str, ...]:
    return (
        "--tls-port", str(port), "--tls-auth-clients", "no", "--tls-cert-file", str(certificate),
        "--tls-key-file", str(key), "--tls-ca-cert-file", str(authority),
    )  # fmt: skip


def _started_mariadb(folder: Path, port: int, tls: tuple[Path, Path, Path] | None) -> Any:
    servers.install_mariadb(folder)
    more = [f"--ssl-cert={tls[0]}", f"--ssl-key={tls[1]}"] if tls else ["--skip-ssl"]
    return servers.start_process(
        [*servers.mariadb_command(folder, port), *more, "--innodb-buffer-pool-size=16M"],
        ready=lambda: servers.is_listening(port), log=folder / "log",
    )  # fmt: skip


def decisions(url: str) -> None:
    Store(url, timeout_s=5, max_connections=1).server.read_info()


CONNECTION: Any = Kombu


def _ping(url: str, tls: dict[str, Any] | None) -> None:
    connection = CONNECTION(url, ssl=tls, transport_options=PATIENCE)
    with connection:
        connection.default_channel.client.ping()


def broker(url: str) -> None:
    """As workers, beat and web processes connect: with the options that Celery is given."""
    _ping(url, store_urls.broker_tls(url))


def broker_by_kombu_alone(url: str) -> None:
    _ping(url, None)


def flower(url: str) -> None:
    patience = {"socket_timeout": 5, "socket_connect_timeout": 5}
    tls = store_urls.broker_tls(url)
    client = FlowersBroker(url, broker_use_ssl=tls, broker_options=patience)
    asyncio.run(client.queues(["celery"]))


def laptop(url: str) -> None:
    if why := redis_complaint(url):
        raise redis.ConnectionError(why)


def mysql(url: str) -> str:
    """The cipher of the connection that Django makes; empty: none."""
    django = DatabaseWrapper(database.from_url(url) | {"TIME_ZONE": None})
    connection = django.get_new_connection(django.get_connection_params())
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        return str(cursor.fetchone()[1])


def redis_url(stores: Servers, server: str, **options: str) -> str:
    return f"rediss://{ADDRESS}:{stores.ports[server]}/0?{urlencode(options)}"


def mysql_url(stores: Servers, server: str, **options: str) -> str:
    query = urlencode({name.replace("ssl_ca", "ssl-ca"): text for name, text in options.items()})
    return f"mysql://coupons:coupons@{ADDRESS}:{stores.ports[server]}/coupons?{query}"


def fault_of(client: Callable[[str], object], url: str) -> str:
    """Why it does not connect, as its driver says; empty: it does."""
    try:
        client(url)
    except (StoreFailure, redis.RedisError, KombuAway, MySQLdb.Error) as error:
        return repr(error)
    return ""


CLIENTS = (decisions, broker, flower, laptop)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("server", [RIGHT, OTHER_NAME, STRANGER, PLAIN])
def test_a_url_that_passes_the_checks_reaches_the_right_redis_only(
    stores: Servers, client: Callable[[str], object], server: str
) -> None:
    url = redis_url(stores, server, ssl_cert_reqs="required", ssl_ca_certs=stores.authority)
    assert redis_tls_fault(url) == ""
    fault = fault_of(client, url)
    assert (fault == "") is (server == RIGHT), fault


@pytest.mark.parametrize(
    ("client", "server", "options"),
    [
        (broker_by_kombu_alone, STRANGER, {}),
        (broker, STRANGER, {"ssl_cert_reqs": "none"}),
        (decisions, STRANGER, {"ssl_cert_reqs": "none"}),
        (flower, STRANGER, {"ssl_cert_reqs": "none"}),
        (decisions, OTHER_NAME, {"ssl_cert_reqs": "required", "ssl_check_hostname": "no"}),
        (broker, OTHER_NAME, {"ssl_cert_reqs": "required", "ssl_check_hostname": "false"}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_control_redis_urls_that_the_checks_refuse_reach_impostors(
    stores: Servers, client: Callable[[str], object], server: str, options: dict[str, str]
) -> None:
    authority = {"ssl_ca_certs": stores.authority} if options else {}
    url = redis_url(stores, server, **options, **authority)
    assert fault_of(client, url) == ""
    assert redis_tls_fault(url)


IMPOSTORS_REACHED: tuple[tuple[str, dict[str, str]], ...] = (
    (PLAIN, {}),
    (PLAIN, {"ssl_mode": "PREFERRED"}),
    (PLAIN, {"ssl_mode": "REQUIRED"}),
    (PLAIN, {"ssl_mode": "REQUIRED", "ssl_ca": "AUTHORITY"}),
    (STRANGER, {"ssl_mode": "REQUIRED"}),
    (OTHER_NAME, {"ssl_ca": "AUTHORITY"}),
)


def test_a_url_that_passes_the_checks_reaches_the_right_mysql_only_and_any_other_an_impostor(
    tmp_path: Path,
) -> None:
    with started_mariadbs(tmp_path) as found:
        for server in found.ports:
            url = mysql_url(found, server, ssl_ca=found.authority, ssl_mode="VERIFY_IDENTITY")
            assert mysql_tls_fault(database.from_url(url)["OPTIONS"]) == ""
            fault = fault_of(mysql, url)
            assert (fault == "") is (server == RIGHT), (server, fault)
            assert server != RIGHT or mysql(url), "without a cipher"
        for server, options in IMPOSTORS_REACHED:
            given = {
                key: text.replace("AUTHORITY", found.authority) for key, text in options.items()
            }
            url = mysql_url(found, server, **given)
            assert fault_of(mysql, url) == "", (server, options)
            assert server != PLAIN or mysql(url) == "", "not in clear"
            assert mysql_tls_fault(database.from_url(url)["OPTIONS"])


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("ssl_cert_reqs=required&ssl_ca_certs=/ca", ""),
        ("ssl_cert_reqs=required&ssl_ca_certs=/ca&ssl_check_hostname=true", ""),
        ("ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/ca", "any server"),  # unknown to redis-py
        ("", "any server"),
        ("ssl_ca_certs=/ca", "any server"),
        ("ssl_cert_reqs=optional&ssl_ca_certs=/ca", "any server"),
        ("ssl_cert_reqs=required&ssl_cert_reqs=none&ssl_ca_certs=/ca", "any server"),
        ("ssl_cert_reqs=required&ssl_ca_certs=/ca&ssl_check_hostname=no", "any name"),
        ("ssl_cert_reqs=required&ssl_ca_certs=/ca&ssl_check_hostname=0", "any name"),
        ("ssl_cert_reqs=required&ssl_ca_certs=/ca&ssl_check_hostname=False", "any name"),
        ("ssl_cert_reqs=required", "no authority"),
        ("ssl_cert_reqs=required&ssl_ca_certs=", "no authority"),
    ],
)
def test_options_of_redis_are_judged(options: str, fault: str) -> None:
    found = redis_tls_fault(f"rediss://cache.example:6379/0?{options}")
    assert (fault in found) if fault else not found


def test_the_watchdogs_own_calls_verify_too(stores: Servers) -> None:
    options = {"ssl_cert_reqs": "required", "ssl_ca_certs": stores.authority}
    script = "return redis.call('EXISTS', KEYS[1])"
    assert Broker(redis_url(stores, RIGHT, **options)).ask(script, "x") == 0
    assert Broker(redis_url(stores, STRANGER, **options)).ask(script, "x") is None
