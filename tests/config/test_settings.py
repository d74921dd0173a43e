"""A missing or wrong setting stops the start at once, with one sentence that names it."""

import os
import secrets
import subprocess
from typing import Any

import pytest

from config import env
from tests.harness.forked_python import run_python

PRODUCTION = {
    "COUPONS_ENV": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "coupons.example",
    "DATABASE_URL": "mysql://u:p@127.0.0.1:1/c",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "COUPON_KEYS": "k1:" + secrets.token_hex(32),
    "JWT_ISSUER": "https://shop.example",
    "JWT_HS256_SECRET": secrets.token_urlsafe(40),
}


LOADED = "from config import settings; print(settings.DEBUG)"


def load_settings(*, code: str = LOADED, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process that has not imported them."""
    base = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return run_python("-c", code, env=base | environment, cwd=env.BASE_DIR)


def last_line(started: subprocess.CompletedProcess[str]) -> str:
    assert started.returncode != 0
    return started.stderr.strip().splitlines()[-1]


def test_production_starts_with_everything_set_and_without_debug() -> None:
    started = load_settings(**PRODUCTION)
    assert (started.returncode, started.stdout.strip()) == (0, "False"), started.stderr


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "COUPONS_ENV"])
def test_production_does_not_start_without(name: str) -> None:
    given = {key: value for key, value in PRODUCTION.items() if key != name}
    assert f"{name} is not set" in last_line(load_settings(**given))


def test_a_host_in_production_that_reads_no_tokens_needs_no_secret_of_the_shop() -> None:
    assert (
        load_settings(**PRODUCTION | {"JWT_HS256_SECRET": "", "READS_TOKENS": "no"}).returncode == 0
    )


def test_production_with_public_keys_needs_no_shared_secret(tmp_path: Any) -> None:
    file = tmp_path / "jwks.json"
    file.write_text("{}")
    given = PRODUCTION | {"JWT_HS256_SECRET": "", "JWT_JWKS_FILE": str(file)}
    assert load_settings(**given).returncode == 0
    missing = given | {"JWT_JWKS_FILE": str(file) + ".gone"}
    assert "JWT_JWKS_FILE" in last_line(load_settings(**missing))


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
    message = last_line(load_settings(**{name: value}))
    assert name in message
    assert why in message


def test_a_laptop_starts_with_nothing_set() -> None:
    assert load_settings().returncode == 0


COOKIES = (
    "from config import settings as s;"
    "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT)"
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "True True True"),
        ({"SECURE_SSL_REDIRECT": "no"}, "True True False"),  # a proxy in front redirects
        ({"PLAIN_HTTP": "for trying out"}, "False False False"),
        ({"PLAIN_HTTP": "for trying out", "SECURE_SSL_REDIRECT": "yes"}, "True True True"),
        ({"DOOR": "operators"}, "True True False"),  # reached by ssh, not through the balancer
        ({"DOOR": "operators", "SECURE_SSL_REDIRECT": "yes"}, "True True False"),
        ({"DOOR": "users"}, "True True True"),
    ],
)
def test_13_5_cookies_go_over_https_only_unless_plain_http_is_asked_for(
    given: dict[str, str], expected: str
) -> None:
    assert load_settings(code=COOKIES, **PRODUCTION | given).stdout.strip() == expected


@pytest.mark.parametrize("phrase", ["yes", "no", "For Trying Out"])
def test_13_5_plain_http_is_asked_for_in_these_words(phrase: str) -> None:
    assert "'for trying out'" in last_line(load_settings(**PRODUCTION | {"PLAIN_HTTP": phrase}))


# As a deployment asks


ENCRYPTED = {
    "DATABASE_URL": "mysql://u:p@127.0.0.1:1/c?ssl-ca=/ca&ssl_mode=VERIFY_IDENTITY",
    "REDIS_URL": "rediss://127.0.0.1:1/0?ssl_cert_reqs=required&ssl_ca_certs=/ca",
    "CELERY_BROKER_URL": "rediss://127.0.0.1:2/0?ssl_cert_reqs=required&ssl_ca_certs=/ca",
}
CHECK = (
    "import sys; from django.core.management import execute_from_command_line as run;"
    "run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
)


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, ""),
        ({"SECRET_KEY": secrets.token_hex(16)}, ""),  # long enough for `config.env`
        ({"SECURE_SSL_REDIRECT": "no"}, "security.W008"),
        ({"ALLOWED_HOSTS": "*", "REDIS_URL": "redis://127.0.0.1:1/0"}, "coupons.W026"),
        ({"REDIS_URL": "rediss://127.0.0.1:1/0"}, "coupons.W026"),
        ({"DATABASE_URL": "mysql://u:p@127.0.0.1:1/c?ssl_mode=REQUIRED"}, "coupons.W025"),
        ({"PLAIN_HTTP": "for trying out"}, ""),
        ({"REDIS_TIMEOUT_S": "3"}, "coupons.W021"),
        ({"REDIS_TIMEOUT_S": "3", "SILENCED_CHECKS": "coupons.W021"}, ""),
    ],
)
def test_13_5_a_deployment_is_refused_by_any_warning_that_is_not_accepted(
    given: dict[str, str], warned: str
) -> None:
    checked = load_settings(
        code=CHECK, DJANGO_SETTINGS_MODULE="config.settings", **PRODUCTION | ENCRYPTED | given
    )
    assert bool(checked.returncode) is bool(warned), checked.stderr
    assert warned in checked.stderr


def test_browsers_lists_of_preloaded_names_are_asked_for_by_settings_only() -> None:
    """Neither other names of the owner's domain nor years of HTTPS follow from a default."""
    code = (
        "from config import settings as s;"
        "print(s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)"
    )
    both = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "yes", "SECURE_HSTS_PRELOAD": "yes"}
    assert load_settings(code=code, **PRODUCTION).stdout.split() == ["31536000", "False", "False"]
    asked = load_settings(code=code, **PRODUCTION | both)
    assert asked.stdout.split() == ["31536000", "True", "True"]
    alone = PRODUCTION | {"SECURE_HSTS_PRELOAD": "yes"}
    assert "SECURE_HSTS_INCLUDE_SUBDOMAINS" in last_line(load_settings(**alone))
