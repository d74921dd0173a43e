"""The product's own processes, started with the options that `make run` starts them with."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import psutil

from config.development.process import commands
from config.development.process.commands import POOL, WEB_WORKERS
from tests.harness.servers import Environment, free_port, start_process, start_program


class Web(NamedTuple):
    """A running web server."""

    url: str
    pid: int


@contextmanager
def run_web(folder: Path) -> Iterator[Web]:
    """Granian with the product and the stock view."""
    log = folder / "web.log"
    with run_granian(log, application=commands.APPLICATION, ready="/readyz") as web:
        yield web


@contextmanager
def run_granian(
    log: Path, *, application: str, ready: str, env: Environment | None = None
) -> Iterator[Web]:
    """An application with the options of `make run`. `ready`: a path that answers 200 then."""
    port = free_port()
    command = commands.web_command(port, workers=WEB_WORKERS, application=application)
    with start_process(command, ready=lambda: _ready(port, ready), log=log, env=env) as pid:
        yield Web(f"http://127.0.0.1:{port}", pid)


def process_tree(pid: int) -> list[psutil.Process]:
    """The process and all its descendants."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


@contextmanager
def run_worker_and_beat(folder: Path) -> Iterator[None]:
    """A Celery worker and beat. They are ready only when a first claim has been stored."""
    worker = commands.worker_command(pool=POOL)
    beat = commands.beat_command("--schedule", str(folder / "beat-schedule"))
    with (
        start_program(worker, log=folder / "worker.log"),
        start_program(beat, log=folder / "beat.log"),
    ):
        yield


def _ready(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
