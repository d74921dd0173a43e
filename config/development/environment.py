"""Where one `run` or `demo` lives: its folder, ports, addresses, and its programs' environment."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config import env, store_urls
from config.development import secrets_file
from config.development.process.errors import AskedWrongly, Trouble
from config.development.process.ports import HOST, Ports
from config.env import BASE_DIR

ROLES = ("web", "operators", "worker")  # those that count


@dataclass(frozen=True, slots=True)
class Site:
    """`own_redis` and `own_database` say whose they are: ours, or given by the environment."""

    folder: Path
    ports: Ports
    env: dict[str, str]
    own_redis: bool
    own_database: bool

    @property
    def web_url(self) -> str:
        return f"http://{HOST}:{self.ports.web}"

    @property
    def operators_url(self) -> str:
        return f"http://{HOST}:{self.ports.operators}"

    @property
    def consumer_url(self) -> str:
        return f"http://{HOST}:{self.ports.consumer}"

    @property
    def flower_url(self) -> str:
        return f"http://{HOST}:{self.ports.flower}"

    @property
    def valkey_folder(self) -> Path:
        return self.folder / "valkey"

    @property
    def worker_node(self) -> str:
        """The worker's name on the broker, which others may share."""
        return f"worker@local-{os.getpid()}"

    def log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def counts(self, role: str) -> dict[str, str]:
        """Where processes of this role count. Each role is read apart, as on hosts of their own:
        in one folder, two readers would each tell the sum of all."""
        return {"PROMETHEUS_MULTIPROC_DIR": str(self.folder / "prometheus" / role)}

    def file(self, name: str) -> Path:
        """A file for what one of our processes tells another."""
        return self.folder / "exchange" / name


def given_environment() -> dict[str, str]:
    """The environment and `.env`. Not the secrets of the laptop's own folder: which folder's
    secrets are used is for `make` to say, and these were joined for `manage.py` and the like."""
    laptop = BASE_DIR / "var" / secrets_file.NAME
    return {name: value for name, value in os.environ.items() if env.FROM_FILES.get(name) != laptop}


def demand_driver(environment: Mapping[str, str]) -> None:
    """Raises Trouble if the environment names a database that has no driver here."""
    if environment.get("DATABASE_URL", "").startswith("mysql") and find_spec("MySQLdb") is None:
        raise Trouble(
            "DATABASE_URL names a MySQL server, but mysqlclient is not installed. Install the"
            " headers it is built with (on Debian: gcc python3-dev default-libmysqlclient-dev"
            " pkg-config), then pip install -r requirements/mysql.txt."
        )


def demand_addresses(environment: Mapping[str, str]) -> None:
    """Raises AskedWrongly for a URL that a driver would read otherwise than it was meant."""
    for name in store_urls.SCHEMES:
        url = environment.get(name)
        if url and (why := store_urls.url_complaint(name, url)):
            raise AskedWrongly(why)


def make_site(folder: Path, ports: Ports, *, environment: Mapping[str, str]) -> Site:
    """Lay out the folder and complete the environment: what it says already stays as it is."""
    for name in ("log", "valkey", "exchange"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "exchange").chmod(0o700)  # tokens pass through it
    for role in ROLES:
        _empty(folder / "prometheus" / role)
    return Site(
        folder,
        ports,
        _environment(folder, ports, environment),
        own_redis=not environment.get("REDIS_URL"),
        own_database=not environment.get("DATABASE_URL"),
    )


def _environment(folder: Path, ports: Ports, given: Mapping[str, str]) -> dict[str, str]:
    redis_url = given.get("REDIS_URL") or f"redis://{HOST}:{ports.valkey}/0"
    inherited = {name: value for name, value in given.items() if name not in _NOT_HERE}
    return inherited | {
        "COUPONS_ENV": "local",
        "ENV_FILES": os.devnull,  # all that they say is here already, and _NOT_HERE stays away
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": given.get("DATABASE_URL")
        or store_urls.sqlite_url(folder / "coupons.sqlite3"),
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": given.get("CELERY_BROKER_URL") or redis_url,
        "CELERY_REMOTE_CONTROL": "yes",  # Flower's buttons; the broker is this machine's own
        "CONSUMER_HOST": HOST,
        "CONSUMER_PORT": str(ports.consumer),
        "FLOWER_URL": f"http://{HOST}:{ports.flower}/",
        "PYTHONPATH": str(BASE_DIR),
        "PYTHONUNBUFFERED": "1",
        **secrets_file.load_secrets(folder / secrets_file.NAME, given),
    }


# Tokens here are signed with a shared secret, and there is no TLS to be redirected to.
# Metrics are counted by role.
_NOT_HERE = {"JWT_JWKS_FILE", "SECURE_SSL_REDIRECT", "PROMETHEUS_MULTIPROC_DIR"}


def _empty(folder: Path) -> None:
    """Counters of processes that are gone would be added to those of today."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
