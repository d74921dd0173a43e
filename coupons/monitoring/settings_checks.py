"""System checks of Celery's configuration and of our settings; no server is called. Checks that
matter to real sites only run in production. The table of all checks is in config/README.md.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import celery
import kombu
from billiard.common import REMAP_SIGTERM
from celery import current_app
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from coupons.monitoring.store_tls import mysql_tls_fault, redis_tls_fault

_OLDEST = (5, 7)  # before it: workers that stall after a reconnect, lost messages
_LONGEST_WAIT_S = 1.0  # for Redis
_LARGEST_BATCH = 500
_BOUNDS = ("connect_timeout", "read_timeout", "write_timeout")

Found = Iterator[CheckMessage]


def _versions() -> Found:
    for number, name, version in (
        (20, "celery", celery.__version__), (21, "kombu", kombu.__version__)
    ):  # fmt: skip
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
            hint = "Install requirements.txt as it is: older ones stall after a lost connection."
            yield Error(f"{name} {version} is too old.", hint=hint, id=f"coupons.E0{number}")


def _broker() -> Found:
    conf = current_app.conf
    options = conf.broker_transport_options
    missing = [
        name
        for name in (
            "socket_timeout",
            "socket_connect_timeout",
            "health_check_interval",
            "retry_on_timeout",
        )
        if not options.get(name)
    ]
    if missing or not conf.broker_pool_acquire_timeout:
        yield Error(
            f"Calls to the broker have no timeout: {', '.join(missing) or 'the pool'}.",
            hint="Set it in config/celery.py: a half-open connection would lose wake-ups.",
            id="coupons.E022",
        )
    order = (settings.DRAIN_TIME_S, conf.task_soft_time_limit, conf.task_time_limit,
             options.get("visibility_timeout", 3600))  # fmt: skip
    if list(order) != sorted(set(order)):
        yield Error(
            f"Time limits overlap: drain, soft, hard, visibility are {order} seconds.",
            hint="Each must be longer than the one before, or a running task is delivered again.",
            id="coupons.E023",
        )


def _tasks() -> Found:
    conf = current_app.conf
    late = conf.task_acks_late and conf.task_reject_on_worker_lost
    if not late or conf.worker_prefetch_multiplier != 1:
        yield Error(
            "A worker that dies would lose the wake-ups it has received.",
            hint="Set task_acks_late, task_reject_on_worker_lost, worker_prefetch_multiplier=1.",
            id="coupons.E024",
        )
    if list(conf.accept_content) != ["json"] or conf.result_backend or not conf.task_ignore_result:
        yield Error(
            "Celery accepts more than JSON, or keeps results.",
            hint="accept_content=['json'], no result_backend: pickle from a broker runs as code.",
            id="coupons.E025",
        )
    if REMAP_SIGTERM:
        yield Error(
            "REMAP_SIGTERM makes a deployment interrupt running drains.",
            hint="Unset it.",
            id="coupons.E026",
        )
    if not conf.worker_max_tasks_per_child or not conf.worker_max_memory_per_child:
        yield Warning(
            "The memory of a worker's pool processes is not bounded.",
            hint="Set worker_max_tasks_per_child and WORKER_CHILD_MEMORY_MB.",
            id="coupons.W023",
        )


def _stores() -> Found:
    if settings.REDIS_TIMEOUT_S > _LONGEST_WAIT_S:
        yield Warning(
            f"A claim waits {settings.REDIS_TIMEOUT_S} s for a Redis that hangs.",
            hint="Set REDIS_TIMEOUT_S to 1 or less: each waiting claim occupies a thread.",
            id="coupons.W021",
        )
    if settings.DRAIN_BATCH > _LARGEST_BATCH:
        yield Warning(
            f"One transaction stores {settings.DRAIN_BATCH} claims.",
            hint="Set DRAIN_BATCH to 500 or less: long transactions conflict and replicate late.",
            id="coupons.W024",
        )
    unbounded = [name for name in _BOUNDS if not _options().get(name)]
    if connection.vendor == "mysql" and unbounded:
        yield Error(
            f"Calls to MySQL have no timeout: no {', '.join(unbounded)}.",
            hint="Leave them in DATABASES: one hung server would occupy every thread.",
            id="coupons.E027",
        )
    if not connection.settings_dict["CONN_HEALTH_CHECKS"]:
        yield Error(
            "A connection that MySQL has closed would fail a request.",
            hint="Set CONN_HEALTH_CHECKS in DATABASES.",
            id="coupons.E028",
        )


def _in_production() -> Found:
    conf = current_app.conf
    if _endpoint(settings.REDIS_URL) == _endpoint(conf.broker_url):
        yield Warning(
            "One Redis is both the deciding store and the broker.",
            hint="Give the broker its own (CELERY_BROKER_URL): its loss is then harmless, and it "
            "uses no memory of the deciding one.",
            id="coupons.W020",
        )
    if conf.worker_enable_remote_control:
        yield Warning(
            "Anyone who can reach the broker can shut down the workers.",
            hint="Unset CELERY_REMOTE_CONTROL.",
            id="coupons.W022",
        )
    if settings.WEBHOOKS_PLAIN_HTTP or settings.WEBHOOKS_LOOPBACK:
        yield Error(
            "Webhooks may be sent unencrypted, or into this host.",
            hint="Unset WEBHOOKS_PLAIN_HTTP and WEBHOOKS_LOOPBACK: they are for laptops.",
            id="coupons.E030",
        )
    if not settings.OPERATOR_TOTP:
        yield Warning(
            "A password alone lets operators into the admin.",
            hint="Unset OPERATOR_TOTP: it is on in production.",
            id="coupons.W028",
        )
    yield from _encryption()


def _encryption() -> Found:
    if connection.vendor == "mysql" and (fault := mysql_tls_fault(_options())):
        yield Warning(
            f"Connections to MySQL {fault}.",
            hint="Add ?ssl-ca=FILE&ssl_mode=VERIFY_IDENTITY to DATABASE_URL, FILE the authority of "
            "its certificate: with any other mode this client may connect to anybody, in clear.",
            id="coupons.W025",
        )
    broker = current_app.conf.broker_url
    for name, url in (("REDIS_URL", settings.REDIS_URL), ("CELERY_BROKER_URL", broker)):
        if fault := redis_tls_fault(url):
            yield Warning(
                f"{name} {fault}.",
                hint="Use rediss://…?ssl_cert_reqs=required&ssl_ca_certs=FILE, FILE the authority "
                "of its certificate (ElastiCache: in-transit encryption, Amazon's roots).",
                id="coupons.W026",
            )


def _options() -> dict[str, Any]:
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    return options


def _endpoint(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or 6379


_ANYWHERE: tuple[Callable[[], Found], ...] = (_versions, _broker, _tasks, _stores)


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    parts = (*_ANYWHERE, _in_production) if settings.PRODUCTION else _ANYWHERE
    return [message for part in parts for message in part()]
