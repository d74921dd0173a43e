"""The services of a site, started for a test with the command lines of `make run`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.development.process import commands
from tests.harness.servers import free_port, is_listening, start_process

Environment = Mapping[str, str]
# As in the systemd units: logs go to standard error; standard output (Celery's banner) is dropped.
_WITHOUT_STDOUT = ("sh", "-c", 'exec "$@" >/dev/null', "sh")


@contextmanager
def start_web(
    environment: Environment, folder: Path, *words: str, name: str = "web"
) -> Iterator[int]:
    """Yields its port."""
    port = free_port()
    command, env = commands.granian_command(port, *words), _with_metrics(environment, folder / name)
    log = folder / f"{name}.log"
    with start_process(
        [*_WITHOUT_STDOUT, *command], ready=lambda: is_listening(port), log=log, env=env
    ):
        yield port


@contextmanager
def start_worker(environment: Environment, folder: Path, *words: str) -> Iterator[int]:
    """Yields the process id of a worker that may still be starting."""
    with _celery("worker", commands.worker_command(*words), environment, folder) as pid:
        yield pid


@contextmanager
def start_webhook_worker(environment: Environment, folder: Path, *words: str) -> Iterator[int]:
    """Yields the process id of the worker that sends webhooks, which may still be starting."""
    command = commands.webhook_worker_command(*words)
    with _celery("webhooks", command, environment, folder) as pid:
        yield pid


@contextmanager
def start_beat(environment: Environment, folder: Path, *words: str) -> Iterator[int]:
    with _celery("beat", commands.beat_command(*words), environment, folder) as pid:
        yield pid


@contextmanager
def start_consumer(environment: Environment, folder: Path) -> Iterator[int]:
    """Yields its port. It shares the worker's folder."""
    port = free_port()
    env = _with_metrics(environment, folder / "worker") | {"CONSUMER_PORT": str(port)}
    command = [*_WITHOUT_STDOUT, *commands.consumer_command()]
    with start_process(
        command, ready=lambda: is_listening(port), log=folder / "consumer.log", env=env
    ):
        yield port


@contextmanager
def _celery(name: str, command: list[str], environment: Environment, folder: Path) -> Iterator[int]:
    env, log = _with_metrics(environment, folder / name), folder / f"{name}.log"
    with start_process([*_WITHOUT_STDOUT, *command], ready=lambda: True, log=log, env=env) as pid:
        yield pid


def _with_metrics(environment: Environment, folder: Path) -> dict[str, str]:
    """The environment with this folder for the metrics of the process."""
    folder.mkdir(exist_ok=True)
    return {**environment, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
