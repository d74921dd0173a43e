"""The bench's environment: a private Redis and MariaDB, and Django configured for them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from tests.harness import servers

ROOT = Path(__file__).resolve().parents[2]


# Not set here: tokens are signed with a shared secret, and there is no TLS.
_NOT_HERE = ("JWT_JWKS_FILE", "SECURE_SSL_REDIRECT")


@contextmanager
def start_environment() -> Iterator[Path]:
    """Start the servers; yields the run's folder. Import `coupons` only inside the block."""
    with (
        tempfile.TemporaryDirectory(prefix="coupons-bench-") as name,
        servers.start_redis(Path(name) / "redis") as redis_url,
        servers.start_mariadb(Path(name) / "mariadb") as database_url,
    ):
        os.environ.update(_environment(Path(name), redis_url, database_url))
        for elsewhere in _NOT_HERE:
            os.environ.pop(elsewhere, None)
        django.setup()
        import_module("tests.harness.long_sessions")  # after Django, before the first session
        call_command("migrate", verbosity=0)
        yield Path(name)


def _environment(folder: Path, redis_url: str, database_url: str) -> dict[str, str]:
    metrics = folder / "prometheus"
    metrics.mkdir()
    return {
        "COUPONS_ENV": "local",
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "DATABASE_URL": database_url,
        # As in production, where several processes serve: counters in shared files.
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "PYTHONPATH": str(ROOT),
    }
