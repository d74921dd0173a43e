"""Write the settings that the containers of compose.yaml read, with new secrets.

    python3 config/containers/new_settings.py FOLDER [HOST …]

compose.yaml looks in var/containers, or in the folder that COUPON_SETTINGS names. `HOST …`: names
that clients may use for this site. No file that is there is changed. The site serves plain HTTP,
"for trying out": before anybody uses it, give it a certificate and delete PLAIN_HTTP and
SECURE_SSL_REDIRECT.
"""

import os
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

# Names by which the services call each other, and health checks call themselves.
INSIDE = ("api", "localhost", "127.0.0.1")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def new_settings(hosts: Sequence[str]) -> dict[str, dict[str, str]]:
    """By file: what all services of the site read, what the doors and what migrations alone read,
    and the stores'."""
    redis, web, worker, mariadb, owner = (secrets.token_hex(32) for _ in range(5))
    site = {
        "COUPONS_ENV": "production",
        "SECRET_KEY": secrets.token_hex(32),
        "COUPON_KEYS": f"k{secrets.token_hex(4)}:{secrets.token_hex(32)}",
        "DATABASE_URL": f"mysql://coupon:{mariadb}@database:3306/coupons",
        **_redis_urls("worker", worker),
        "ALLOWED_HOSTS": ",".join((*INSIDE, *hosts)),
        "JWT_ISSUER": "https://shop.local",
        "WARM_UP_URLS": "http://api:8080",
        "PLAIN_HTTP": "for trying out",
        "SECURE_SSL_REDIRECT": "no",
    }
    doors = {"JWT_HS256_SECRET": secrets.token_hex(32), **_redis_urls("web", web)}
    return {
        "site.env": site,
        "doors.env": doors,
        "migrations.env": {
            "MIGRATIONS_DATABASE_URL": f"mysql://coupon_owner:{owner}@database:3306/coupons"
        },
        "stores.env": {
            "REDIS_PASSWORD": redis,
            "REDIS_WEB_PASSWORD": web,
            "REDIS_WORKER_PASSWORD": worker,
            "MARIADB_PASSWORD": mariadb,
            "MARIADB_OWNER_PASSWORD": owner,
        },
    }


def _redis_urls(user: str, password: str) -> dict[str, str]:
    """The Redis that decides, and the broker. The doors' replace those of the site."""
    stores = {"REDIS_URL": "redis", "CELERY_BROKER_URL": "broker"}
    return {name: f"redis://{user}:{password}@{host}:6379/0" for name, host in stores.items()}


def write_settings(folder: Path, hosts: Sequence[str]) -> None:
    """Raises FileExistsError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, values in new_settings(hosts).items():
        with os.fdopen(
            os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.writelines(f"{key}={value}\n" for key, value in values.items())


def _refuse(sentence: str, status: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    folder, *hosts = sys.argv[1:] or [""]
    if not folder or folder.startswith("-"):
        _refuse("new_settings.py FOLDER [HOST …]", 2)
    if wrong := [host for host in hosts if not _HOST.fullmatch(host)]:
        _refuse(f"{wrong[0]!r} is no host name.", 2)
    try:
        write_settings(Path(folder), hosts)
    except OSError as why:
        _refuse(f"{why.filename}: {why.strerror}. Nothing was changed.", 1)
    print(f"Wrote {folder}.")
