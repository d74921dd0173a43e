"""The command lines of the site's programs, for `make run`, tests, crash tests and benchmarks.

Further options go behind ours; of an option that is given twice the last one counts. Locust's
comparison has its own (`locust/compare/contenders.py`): it starts its peers alike, from outside of
this package.
"""

import sys

from config.development.process.ports import HOST
from config.env import BASE_DIR

APPLICATION = "config.wsgi:application"
CELERY_APP = "config"

# Two processes, one per core of a small machine: twice the answers of one. Sixteen threads, because
# the claims of waiting threads are sent to Redis together (group commit): measured by wrk on a
# quiet machine, 4 threads answered 2,760 claims a second (p99 38 ms), 8 3,370 (35), 16 3,840 (60),
# 32 3,130 (112).
WEB_WORKERS, WEB_THREADS = 2, 16
WEB_BACKLOG = 4096  # connections waiting to be accepted when a crowd arrives at once
# Connections a process accepts, idle ones included; further ones get no answer, not even 503.
WEB_CONNECTIONS = 16_384
POOL = 2  # processes that drain
# Threads that send webhooks: they wait for receivers nearly all of their time. One or two of them
# work on jobs of many lines.
WEBHOOK_THREADS = 24


# The example shop is a program of its own: it imports nothing of the site.
SHOP = [sys.executable, str(BASE_DIR / "config" / "development" / "example_shop.py")]


def granian_command(
    port: int, *options: str, workers: int = 1, application: str = APPLICATION
) -> list[str]:
    """A web server with granian's own limits."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws",
        "--host", HOST, "--port", str(port), "--workers", str(workers), *options, application,
    ]  # fmt: skip


def web_command(port: int, *, workers: int = 1, application: str = APPLICATION) -> list[str]:
    """A web server with the limits of `make run`."""
    return granian_command(
        port, "--blocking-threads", str(WEB_THREADS), "--backlog", str(WEB_BACKLOG),
        "--backpressure", str(WEB_CONNECTIONS),
        "--respawn-failed-workers",  # without it one process that dies ends all others
        workers=workers, application=application,
    )  # fmt: skip


def worker_command(*options: str, pool: int = 1, app: str = CELERY_APP) -> list[str]:
    return _celery_command(
        app, "worker", "--concurrency", str(pool), "--without-gossip", "--without-mingle", *options
    )


def webhook_worker_command(*options: str, app: str = CELERY_APP) -> list[str]:
    return _celery_command(
        app, "worker", "--queues", "webhooks,bulk", "--pool", "threads",
        "--concurrency", str(WEBHOOK_THREADS), "--without-gossip", "--without-mingle", *options,
    )  # fmt: skip


def beat_command(*options: str, app: str = CELERY_APP) -> list[str]:
    return _celery_command(app, "beat", "--pidfile=", *options)


def consumer_command() -> list[str]:
    return [sys.executable, "-m", "config.worker.consumer"]


def flower_command(*options: str) -> list[str]:
    return [sys.executable, str(BASE_DIR / "manage.py"), "flower", "--address", HOST, *options]


def _celery_command(app: str, verb: str, *options: str) -> list[str]:
    return [
        sys.executable, "-m", "celery", "-A", app, verb, "--loglevel", "WARNING", *options,
    ]  # fmt: skip
