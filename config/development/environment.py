"""The site of one `run` or `demo`: its folder, ports, addresses, and its programs' environment."""

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

ROLES = ("web", "merchants", "pages", "operators", "worker", "webhooks")  # those that write metrics


@dataclass(frozen=True, slots=True)
class Site:
    """`own_redis` and `own_database`: whether we start it, or the environment names one."""

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
    def merchants_url(self) -> str:
        return f"http://{HOST}:{self.ports.merchants}"

    @property
    def pages_url(self) -> str:
        return f"http://{HOST}:{self.ports.pages}"

    @property
    def shop_url(self) -> str:
        return f"http://{HOST}:{self.ports.shop}"

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
        """The worker's name on the broker, which other runs may share."""
        return f"worker@local-{os.getpid()}"

    @property
    def webhook_node(self) -> str:
        return f"webhooks@local-{os.getpid()}"

    def log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def counts(self, role: str) -> dict[str, str]:
        """The metrics folder of this role's processes. Each role has its own, as if on a host of
        its own: if they shared one, two metrics pages would each report the sum of all."""
        return {"PROMETHEUS_MULTIPROC_DIR": str(self.folder / "prometheus" / role)}

    def file(self, name: str) -> Path:
        """A file by which one of our processes passes data to another."""
        return self.folder / "exchange" / name


def given_environment() -> dict[str, str]:
    """The environment and `.env`, without the secrets of the laptop's own folder: `make` chooses
    the folder whose secrets are used, and these were loaded for `manage.py` and other programs."""
    local_secrets = BASE_DIR / "var" / secrets_file.NAME
    return {
        name: value
        for name, value in os.environ.items()
        if env.FROM_FILES.get(name) != local_secrets
    }


def demand_driver(environment: Mapping[str, str]) -> None:
    """Raises Trouble if the environment names a database whose driver is not installed."""
    if environment.get("DATABASE_URL", "").startswith("mysql") and find_spec("MySQLdb") is None:
        raise Trouble(
            "DATABASE_URL names a MySQL server, but mysqlclient is not installed. Install the"
            " headers it is built with (on Debian: gcc python3-dev default-libmysqlclient-dev"
            " pkg-config), then pip install -r requirements/mysql.txt."
        )


def demand_addresses(environment: Mapping[str, str]) -> None:
    """Raises AskedWrongly for a store's URL that a driver would misread."""
    for name in store_urls.SCHEMES:
        url = environment.get(name)
        if url and (why := store_urls.url_complaint(name, url)):
            raise AskedWrongly(why)


def make_site(folder: Path, ports: Ports, *, environment: Mapping[str, str]) -> Site:
    """Create the folder and complete the environment, which keeps the stores' addresses and the
    secrets that it has."""
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


def _environment(folder: Path, ports: Ports, environment: Mapping[str, str]) -> dict[str, str]:
    redis_url = environment.get("REDIS_URL") or f"redis://{HOST}:{ports.valkey}/0"
    inherited = {name: value for name, value in environment.items() if name not in _NOT_HERE}
    return inherited | {
        "COUPONS_ENV": "local",
        "ENV_FILES": os.devnull,  # their values are in `environment`; _NOT_HERE must not come back
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": environment.get("DATABASE_URL")
        or store_urls.sqlite_url(folder / "coupons.sqlite3"),
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": environment.get("CELERY_BROKER_URL") or redis_url,
        "CELERY_REMOTE_CONTROL": "yes",  # Flower's buttons; the broker is this machine's own
        "CONSUMER_HOST": HOST,
        "CONSUMER_PORT": str(ports.consumer),
        # Receivers of a laptop are on this machine, and have no certificate.
        "WEBHOOKS_PLAIN_HTTP": "yes",
        "WEBHOOKS_LOOPBACK": "yes",
        "FLOWER_URL": f"http://{HOST}:{ports.flower}/",
        # No front here gives the event page the API's origin.
        "PAGES_API_URL": f"http://{HOST}:{ports.web}",
        # What warm-ups and dress rehearsals ask: never another site that the environment names.
        "WARM_UP_URLS": f"http://{HOST}:{ports.web}",
        "CORS_ORIGINS": _cross_origins(environment, ports),
        "SHOP_LOGIN_URL": f"http://{HOST}:{ports.shop}/?campaign={{campaign}}",
        "PYTHONPATH": str(BASE_DIR),
        "PYTHONUNBUFFERED": "1",
        **secrets_file.load_secrets(folder / secrets_file.NAME, environment),
    }


def _cross_origins(environment: Mapping[str, str], ports: Ports) -> str:
    """Those of the settings, and the pages that this run serves itself."""
    own = _origins(ports.pages, ports.shop)
    return ",".join([*filter(None, [environment.get("CORS_ORIGINS")]), *own])


def _origins(*ports: int) -> list[str]:
    """As browsers name the pages that these ports serve."""
    return [f"http://{name}:{port}" for port in ports for name in (HOST, "localhost")]


# Not inherited: tokens are signed with a shared secret here, there is no TLS to redirect to, and
# each role has its own metrics folder.
_NOT_HERE = {"JWT_JWKS_FILE", "SECURE_SSL_REDIRECT", "PROMETHEUS_MULTIPROC_DIR"}


def _empty(folder: Path) -> None:
    """Empty a metrics folder: counters of earlier processes would be added to today's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
