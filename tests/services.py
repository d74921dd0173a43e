"""The services of a site, started for a test as config/README.md has their commands."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import free_port, listens, process

Environment = Mapping[str, str]
# As the units have it: what is logged goes to standard error, Celery's banner to the other.
_WITHOUT_STDOUT = ("sh", "-c", 'exec "$@" >/dev/null', "sh")
_ALONE = ("--without-gossip", "--without-mingle")
_GRANIAN = ("-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "1")


@contextmanager
def web(environment: Environment, folder: Path, *words: str, name: str = "web") -> Iterator[int]:
    """Yields its port."""
    port = free_port()
    command = _with(environment, folder / name, *_GRANIAN, "--port", str(port), *words)
    log = folder / f"{name}.log"
    with process([*command, "config.wsgi:application"], ready=lambda: listens(port), log=log):
        yield port


@contextmanager
def worker(environment: Environment, folder: Path, *words: str) -> Iterator[int]:
    """Yields the process id of a worker that may still be starting."""
    celery = ("-m", "celery", "-A", "config", "worker", "--concurrency", "1", *_ALONE, *words)
    command = _with({**environment, "CELERY_WORKER": "yes"}, folder / "worker", *celery)
    with process(command, ready=lambda: True, log=folder / "worker.log") as pid:
        yield pid


@contextmanager
def beat(environment: Environment, folder: Path, *words: str) -> Iterator[int]:
    celery = ("-m", "celery", "-A", "config", "beat")
    command = _with({**environment, "CELERY_WORKER": "yes"}, folder / "beat", *celery, *words)
    with process([*command, "--pidfile="], ready=lambda: True, log=folder / "beat.log") as pid:
        yield pid


@contextmanager
def consumer(environment: Environment, folder: Path) -> Iterator[int]:
    """Yields its port. It shares the worker's folder."""
    port = free_port()
    told = {**environment, "CONSUMER_PORT": str(port)}
    command = _with(told, folder / "worker", "-m", "config.worker.consumer")
    with process(command, ready=lambda: listens(port), log=folder / "consumer.log"):
        yield port


def _with(environment: Environment, counts: Path, *words: str) -> list[str]:
    counts.mkdir(exist_ok=True)
    told = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    pairs = (f"{name}={value}" for name, value in told.items())
    return [*_WITHOUT_STDOUT, "env", *pairs, sys.executable, *words]
