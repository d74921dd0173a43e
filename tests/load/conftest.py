"""Finds the modules of `locust/`, which are no package, by their folder, as Locust does; and runs a
site to load: the product on the test's own stores.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.development.process import commands
from config.development.process.programs import Program
from tests.harness import servers

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "locust" / part) for part in ("", "compare", "report")]

Site = Callable[..., str]


@pytest.fixture
def site_environment(child_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    (tmp_path / "prometheus").mkdir()
    return child_environment | {
        "PYTHONPATH": str(TOP),
        "CELERY_BROKER_URL": os.environ["REDIS_URL"],
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "prometheus"),
    }


@pytest.fixture
def site(site_environment: dict[str, str], tmp_path: Path) -> Iterator[Site]:
    """A function that serves the product and returns its URL; without a worker nothing is
    stored."""
    port = servers.free_port()
    web = commands.granian_command(port, "--blocking-threads", "2")
    beat = commands.beat_command("--schedule", str(tmp_path / "beat"))

    with ExitStack() as stack:

        def start(name: str, command: list[str], env: dict[str, str]) -> Program:
            program = servers.start_program(command, log=tmp_path / f"{name}.log", env=env)
            return stack.enter_context(program)

        def serve_site(*, worker: bool = True) -> str:
            serving = start("web", web, site_environment)
            if worker:
                start("worker", commands.worker_command("--pool", "solo"), site_environment)
                start("beat", beat, site_environment)
            serving.wait_until(lambda: servers.is_listening(port), patience_s=servers.START_S)
            return f"http://127.0.0.1:{port}"

        yield serve_site
