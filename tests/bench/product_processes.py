"""The product's own processes, started with the options that `make run` starts them with."""

import http.client
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import psutil

from config.development.process.servers import (
    POOL,
    WEB_BACKLOG,
    WEB_CONNECTIONS,
    WEB_THREADS,
    WEB_WORKERS,
)
from tests.servers import free_port, process


class Web(NamedTuple):
    """A site that serves."""

    url: str
    pid: int


@contextmanager
def run_web(folder: Path) -> Iterator[Web]:
    """Granian with the product and the stock view."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws",
        "--host", "127.0.0.1", "--port", str(port), "--workers", str(WEB_WORKERS),
        "--blocking-threads", str(WEB_THREADS), "--backlog", str(WEB_BACKLOG),
        "--backpressure", str(WEB_CONNECTIONS),
        "config.wsgi:application",
    ]  # fmt: skip
    with process(command, ready=lambda: _ready(port), log=folder / "web.log") as pid:
        yield Web(f"http://127.0.0.1:{port}", pid)


def process_tree(pid: int) -> list[psutil.Process]:
    """That process, then all that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


@contextmanager
def run_worker_and_beat(folder: Path) -> Iterator[None]:
    """A Celery worker and beat. They are ready when a claim is stored, not before."""
    worker = _celery(
        "worker", "--concurrency", str(POOL), "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle",
    )  # fmt: skip
    beat = _celery(
        "beat", "--loglevel", "WARNING", "--schedule", str(folder / "beat-schedule"), "--pidfile="
    )
    with (
        process(worker, ready=lambda: True, log=folder / "worker.log"),
        process(beat, ready=lambda: True, log=folder / "beat.log"),
    ):
        yield


def _celery(*words: str) -> list[str]:
    """As patient with the broker as a worker; `env` becomes the program, with the same pid."""
    return ["env", "CELERY_WORKER=1", sys.executable, "-m", "celery", "-A", "config", *words]


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
