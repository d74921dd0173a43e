"""Starting with what is missing or wrong stops at once, with one sentence that names it."""

import os
import subprocess
import sys
from typing import Any

import pytest

from config import env

PRODUCTION = {
    "COUPONS_ENV": "production",
    "SECRET_KEY": "s" * 60,
    "ALLOWED_HOSTS": "coupons.example",
    "DATABASE_URL": "mysql://u:p@127.0.0.1:1/c",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "COUPON_KEYS": "k1:" + "5e" * 32,
    "JWT_ISSUER": "https://shop.example",
    "JWT_HS256_SECRET": "t" * 40,
}


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh process that only loads the settings."""
    code = "from config import settings; print(settings.DEBUG)"
    command = [sys.executable, "-c", code]
    base = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        command,
        env=base | environment,
        cwd=env.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )


def last_line(started: subprocess.CompletedProcess[str]) -> str:
    assert started.returncode != 0
    return started.stderr.strip().splitlines()[-1]


def test_production_starts_with_everything_set_and_without_debug() -> None:
    started = start(**PRODUCTION)
    assert (started.returncode, started.stdout.strip()) == (0, "False"), started.stderr


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "COUPONS_ENV"])
def test_production_does_not_start_without(name: str) -> None:
    given = {key: value for key, value in PRODUCTION.items() if key != name}
    assert f"{name} is not set" in last_line(start(**given))


def test_a_host_in_production_that_reads_no_tokens_needs_no_secret_of_the_shop() -> None:
    assert start(**PRODUCTION | {"JWT_HS256_SECRET": "", "READS_TOKENS": "no"}).returncode == 0


def test_production_with_public_keys_needs_no_shared_secret(tmp_path: Any) -> None:
    file = tmp_path / "jwks.json"
    file.write_text("{}")
    given = PRODUCTION | {"JWT_HS256_SECRET": "", "JWT_JWKS_FILE": str(file)}
    assert start(**given).returncode == 0
    missing = given | {"JWT_JWKS_FILE": str(file) + ".gone"}
    assert "JWT_JWKS_FILE" in last_line(start(**missing))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("COUPONS_ENV", "prod", "neither local nor production"),
        ("REDIS_TIMEOUT_S", "300ms", "not a number of seconds"),
        ("REDIS_TIMEOUT_S", "0", "between 0.01 and 10"),
        ("DRAIN_BATCH", "0", "between 1 and 5000"),
        ("CELERY_REMOTE_CONTROL", "maybe", "neither yes nor no"),
        ("COUPON_KEYS", "k1:" + "ab" * 31, "shorter than 32 bytes"),
        ("JWT_HS256_SECRET", "short", "shorter than 32 bytes"),
        ("SECRET_KEY", "short", "shorter than 32 bytes"),
    ],
)
def test_a_wrong_value_stops_the_start(name: str, value: str, why: str) -> None:
    said = last_line(start(**{name: value}))
    assert name in said
    assert why in said


def test_a_laptop_starts_with_nothing_set() -> None:
    assert start().returncode == 0
