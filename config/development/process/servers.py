"""The servers of the site: how each is started, and how we check that it is ready."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from celery import Celery

from config.celery import app
from config.development.environment import Site
from config.development.process import commands, screen
from config.development.process.commands import POOL, WEB_WORKERS
from config.development.process.ports import HOST
from config.development.process.programs import Program
from config.development.process.redis_answers import demand_redis, host_and_port, redis_complaint
from config.development.process.redis_program import choose_program
from config.worker.queue_limits import LEASE, Broker

START_S = 60  # a slow disk, a cold start


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    where: str
    command: list[str]
    ready: Callable[[], bool]
    env: dict[str, str] = field(default_factory=dict)
    leash: str = "TERM"
    ends: str = ""  # shown when it is stopped: what it does before it ends


def valkey(site: Site) -> Server:
    """A Redis configured as in production: AOF and noeviction; on the loopback only."""
    program = choose_program(site.valkey_folder)
    return Server(
        "valkey",
        f"{site.env['REDIS_URL']}, by {program}",
        [
            str(program), "--port", str(site.ports.valkey), "--bind", HOST,
            "--dir", str(site.valkey_folder), "--appendonly", "yes", "--save", "",
            "--maxmemory-policy", "noeviction",
        ],
        lambda: not redis_complaint(site.env["REDIS_URL"]),
    )  # fmt: skip


def worker(site: Site) -> Server:
    return Server(
        "worker",
        f"{POOL} processes that store",
        commands.worker_command("--hostname", site.worker_node, pool=POOL),
        lambda: _worker_answers(site, site.worker_node),
        site.counts("worker"),
        ends=", which stores its batch",
    )


def webhooks(site: Site) -> Server:
    return Server(
        "webhooks",
        f"{commands.WEBHOOK_THREADS} threads that send webhooks",
        commands.webhook_worker_command("--hostname", site.webhook_node),
        lambda: _worker_answers(site, site.webhook_node),
        site.counts("webhooks"),
        ends=", which ends what it sends",
    )


def beat(site: Site) -> Server:
    return Server(
        "beat",
        "rings every second",
        commands.beat_command(),
        lambda: _lease_is_held(site),
        {},
    )


def consumer(site: Site) -> Server:
    return Server(
        "consumer",
        f"{site.consumer_url}, the worker's health and metrics",
        commands.consumer_command(),
        lambda: _http_ok(site.ports.consumer, "/readyz"),
        {
            "METRICS_FOLDERS": site.counts("webhooks")["PROMETHEUS_MULTIPROC_DIR"],
            **site.counts("worker"),
        },
    )


def flower(site: Site) -> Server:
    return Server(
        "flower",
        site.flower_url,
        commands.flower_command("--port", str(site.ports.flower)),
        lambda: _http_ok(site.ports.flower, "/healthcheck"),
        # After SIGTERM, while its broker is gone, it would wait for the broker without end.
        leash="KILL",
    )


def users(site: Site) -> Server:
    """The users' door, where claims arrive."""
    command = commands.web_command(site.ports.web, workers=WEB_WORKERS)
    door = {"DOOR": "users"}
    where = f"{site.web_url}, the users' API; nothing buffers in front of it here"
    return Server(
        "web", where, command, lambda: _door_answers(site.ports.web), door | site.counts("web")
    )


def merchants(site: Site) -> Server:
    """The merchants' door: what shops' backends call."""
    port = site.ports.merchants
    env = {"DOOR": "merchants", **site.counts("merchants")}
    where = f"{site.merchants_url}/api/v1/merchant/, the merchants' API"
    command = commands.web_command(port)
    return Server("merchants", where, command, lambda: _door_answers(port), env)


def pages(site: Site) -> Server:
    """The pages' door: the event pages."""
    port = site.ports.pages
    env = {"DOOR": "pages", **site.counts("pages")}
    where = f"{site.pages_url}/events, the event pages"
    command = commands.web_command(port)
    return Server("pages", where, command, lambda: _door_answers(port), env)


def operators(site: Site) -> Server:
    """The operators' door: admin, API docs, health and metrics, also those of the other doors."""
    port = site.ports.operators
    doors = {"web": site.ports.web, "merchants": site.ports.merchants, "pages": site.ports.pages}
    folders = [site.counts(name)["PROMETHEUS_MULTIPROC_DIR"] for name in doors]
    env = {
        "DOOR": "operators",
        "WATCHED_DOORS": ",".join(f"{HOST}:{port}" for port in doors.values()),
        "METRICS_FOLDERS": ",".join(folders),
        **site.counts("operators"),
    }
    command = commands.web_command(port)
    ready = partial(_http_ok, port, "/readyz")
    return Server("operators", f"{site.operators_url}/admin/", command, ready, env)


def example_shop(site: Site, key: str, campaign: str) -> Server:
    """A shop that gives its users tokens and redeems their coupons. `key`: of its merchant."""
    port = site.ports.shop
    env = {
        "SHOP_PORT": str(port), "SHOP_CAMPAIGN": campaign, "COUPONS_KEY": key,
        "COUPONS_MERCHANTS_URL": site.merchants_url,
        "COUPONS_PAGES_URL": site.pages_url, "COUPONS_API_URL": site.web_url,
    }  # fmt: skip
    ready = partial(_http_ok, port, "/")
    return Server("shop", f"{site.shop_url}/, the example shop", commands.SHOP, ready, env)


# Started in this order, stopped in the opposite one: no server loses another that it needs.
ALL = (worker, webhooks, consumer, beat, flower, users, merchants, pages, operators)


@contextmanager
def running_servers(
    site: Site, servers: tuple[Callable[[Site], Server], ...]
) -> Iterator[list[Program]]:
    """Start them all, wait for each, and stop them in the opposite order at the end."""
    with ExitStack() as stack:
        began = time.monotonic()
        definitions = [describe(site) for describe in servers]
        programs = [stack.enter_context(_running(site, server)) for server in definitions]
        for server, program in zip(definitions, programs, strict=True):
            program.wait_until(server.ready, patience_s=START_S)
            screen.say_step(server.name, server.where, seconds=time.monotonic() - began)
        yield programs


@contextmanager
def deciding_store(site: Site) -> Iterator[list[Program]]:
    """The Redis that the environment names, or else one of our own. Raises Trouble if it or the
    broker does not answer."""
    external = [
        name for name in ("REDIS_URL", "CELERY_BROKER_URL") if not _is_own_valkey(site, name)
    ]
    for name in external:
        demand_redis(site.env, name)
    if "REDIS_URL" in external:
        screen.say_step("redis", f"{host_and_port(site.env, 'REDIS_URL')}, which REDIS_URL names")
    with running_servers(site, (valkey,) if site.own_redis else ()) as programs:
        demand_redis(site.env, "CELERY_BROKER_URL")  # its URL may be wrong even if it is our server
        yield programs


def _is_own_valkey(site: Site, name: str) -> bool:
    """Whether this setting names the valkey that we start ourselves."""
    own_address = f"{HOST}:{site.ports.valkey}"
    return site.own_redis and host_and_port(site.env, name) in (
        own_address,
        own_address.replace(HOST, "localhost"),
    )


@contextmanager
def _running(site: Site, server: Server) -> Iterator[Program]:
    """One server from start to end; stopping it may take a while, so it prints a line."""
    env, log = site.env | server.env, site.log(server.name)
    with Program(server.name, server.command, env=env, log=log, leash=server.leash) as program:
        try:
            yield program
        finally:
            with suppress(OSError):  # the terminal may be gone
                screen.say_raw(f"  stopping {server.name}{server.ends}")


def _worker_answers(site: Site, node: str) -> bool:
    """Pings the worker over the broker, which is the way that wake-ups take."""
    with Celery(broker=site.env["CELERY_BROKER_URL"], set_as_current=False) as client:
        client.conf.broker_transport_options = app.conf.broker_transport_options
        return bool(client.control.ping([node], timeout=0.5, limit=1))


def _lease_is_held(site: Site) -> bool:
    """Whether any beat holds the lease: ours, or that of another run on the same broker."""
    return bool(Broker(site.env["CELERY_BROKER_URL"]).ask(_EXISTS, LEASE))


_EXISTS = "return redis.call('EXISTS', KEYS[1])"


def _http_ok(port: int, path: str) -> bool:
    return _status(port, path) == http.HTTPStatus.OK


def _door_answers(port: int) -> bool:
    """These doors have no health endpoint: any HTTP answer will do."""
    return _status(port, "/") > 0


def _status(port: int, path: str) -> int:
    """The HTTP status; 0 if there is no answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
