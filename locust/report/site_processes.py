"""The site of a report: the processes of `make run`, on the stores named by the environment.
Without load shedding: `direct` would answer most requests by 503, and the figures show only that.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from contenders import EVERYBODY_IS_SERVED, GRANIAN
from programs import Program, free_port, running
from sampling import ProcessGroups, listening_pid

TOP = Path(__file__).resolve().parents[2]
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Site:
    url: str
    metrics_url: str  # of the consumer, which exports the waiting claims
    env: dict[str, str]
    parts: ProcessGroups


@contextmanager
def serve_site(folder: Path) -> Iterator[Site]:
    """Start web, worker, consumer and beat; stop them at the end."""
    url, env = f"http://127.0.0.1:{free_port()}", _environment(folder)
    watched = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        pids = {}
        for program in _programs(url, watched, env, folder):
            pids[program.name] = stack.enter_context(running(program, folder))
        stores = {"Redis": os.environ["REDIS_URL"], "database": os.environ["DATABASE_URL"]}
        for name, address in stores.items():
            port = urlsplit(address).port
            if port:  # SQLite has no process
                pids[name] = listening_pid(port)
        yield Site(url, f"{watched}/metrics", env, ProcessGroups(pids))


def _environment(folder: Path) -> dict[str, str]:
    for counts in ("prometheus", "counts"):  # metrics of the web; of the worker and its consumer
        (folder / counts).mkdir()
    return {
        "COUPONS_ENV": "local",
        "CELERY_BROKER_URL": os.environ["REDIS_URL"],
        "COUPON_KEYS": f"report:{secrets.token_hex(32)}",
        "JWT_HS256_SECRET": secrets.token_hex(32),
        "JWT_ISSUER": "https://shop.example",
        "JWT_AUDIENCE": "coupons",
        "LOG_LEVEL": "WARNING",
        **EVERYBODY_IS_SERVED,
        "PYTHONPATH": str(TOP),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "prometheus"),
    }


def _programs(url: str, watched: str, env: dict[str, str], folder: Path) -> list[Program]:
    """In start order, with the names used in the charts."""
    port = url.rpartition(":")[2]
    counts = {"PROMETHEUS_MULTIPROC_DIR": str(folder / "counts")}
    celery, worker = [sys.executable, "-m", "celery", "-A", "config"], env | counts
    worker |= {"CONSUMER_PORT": watched.rpartition(":")[2]}
    consumer = [sys.executable, "-m", "config.worker.consumer"]
    quiet = ["--loglevel", "WARNING"]
    pool = ["--concurrency", str(PROCESSES), "--without-gossip", "--without-mingle"]
    beat = ["--schedule", str(folder / "beat"), "--pidfile="]
    serve = [sys.executable, "-m", "granian", *GRANIAN, "--host", "127.0.0.1", "--port", port]
    return [
        Program("worker", [*celery, "worker", *quiet, *pool], worker, TOP),
        Program("beat", [*celery, "beat", *quiet, *beat], worker, TOP),
        Program("consumer", consumer, worker, TOP, f"{watched}/livez"),
        Program("web", [*serve, "config.wsgi:application"], env, TOP, f"{url}/readyz"),
    ]
