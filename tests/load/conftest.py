"""The modules of `locust/` are no package: they are found as Locust finds them, by their folder.

And a site to load: the product as it is served, on the test's own stores.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import servers

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
    """Serve the product and say where: `site()`; without a worker nothing is ever stored."""
    port = servers.free_port()
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    schedule = ["--schedule", str(tmp_path / "beat"), "--pidfile="]
    web = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(port), "--workers", "1", "--blocking-threads", "2", "config.wsgi:application",
    ]  # fmt: skip

    with ExitStack() as stack:

        def start_process(
            name: str, command: list[str], ready: Callable[[], bool], **env: str
        ) -> None:
            environment = ["env", *(f"{key}={said}" for key, said in env.items())]
            log = tmp_path / f"{name}.log"
            stack.enter_context(servers.process([*environment, *command], ready=ready, log=log))

        def serve_site(*, worker: bool = True) -> str:
            start_process("web", web, lambda: servers.listens(port), **site_environment)
            if worker:
                env = site_environment | {"CELERY_WORKER": "1"}
                start_process("worker", [*celery, "worker", "--pool", "solo"], lambda: True, **env)
                start_process("beat", [*celery, "beat", *schedule], lambda: True, **env)
            return f"http://127.0.0.1:{port}"

        yield serve_site
