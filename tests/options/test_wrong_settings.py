"""Issue 12, 25: every setting with wrong values ends every program with status 2 and one sentence
that names the setting. The settings and their readers are taken from the source."""

import json
import os
import subprocess
import sys

import pytest

from config import env
from tests.config.test_env_example import reader_calls
from tests.options.walk import fault_of_refusal

pytestmark = pytest.mark.slow

ROOT = env.BASE_DIR
LONG = "9" * 5_000
MAKE = ["make", "-s", "-o", ".venv/run"]  # keeps make from installing the packages again
BY_READER: dict[str, list[str]] = {
    "integer": [" ", "abc", "1.5", "-1", "nan", "1e3", LONG, str(2**40), "쿠폰"],
    "seconds": [" ", "abc", "-1", "nan", "inf", "1e400", LONG, "쿠폰"],
    "boolean": [" ", "maybe", "2", "쿠폰"],
    "choice": [" ", "nosuch", "쿠폰"],
    "networks": ["abc", "10.0.0.1/8", "10.0.0.0/99", "쿠폰"],
    "addresses": ["abc", "host:", ":80", "host:0", "host:65536", "host:80a", "쿠폰"],
    "store_url": [" ", "abc", "http://127.0.0.1/", "redis://127.0.0.1:80a/0", "쿠폰"],
    "optional_store_url": [" ", "abc", "http://127.0.0.1/", "redis://127.0.0.1/0", "쿠폰"],
    "file": [" ", "/nosuch", "/", "쿠폰"],
    "folder": [" ", "/nosuch", "/etc/hostname", "쿠폰"],
    "time_zone": [" ", "Nosuch/City", "Asia", "../etc/passwd", "/etc/localtime", "쿠폰"],
    "origins": [
        "*",
        "null",
        "shop.example",
        "https://*.example",
        "https://shop.example/",
        "쿠폰",
        "https://shop.example:443",
        "https://Shop.example",
        "https://a@shop.example",
        "ftp://a",
        "https://shop.example/x",
        "http://a:99999",
        "http://a:0",
        "https://a https://b",
    ],
    "secret": [" ", "short", "쿠폰"],
    "secret_texts": ["short", "[1]", "쿠폰"],
    "secrets_by_id": [" ", "abc", "id:xyz", "id:11", "쿠폰:11", ":11"],
}
# Texts and lists whose values are restricted.
TEXTS: dict[str, list[str]] = {
    "LOG_LEVEL": ["nosuch", "info", " ", "쿠폰"],
    "PLAIN_HTTP": ["yes", " ", "쿠폰"],
    "PAGES_API_URL": ["nosuch", "https://a.example/path", "쿠폰"],
    "SHOP_LOGIN_URL": ["nosuch", "ftp://a.example/", "쿠폰"],
    "NOTIFY_EMAILS": ["nosuch", "ann@shop.example,bob", "쿠폰"],
    "ADMIN_URL": ["nosuch", "ftp://a.example", "https://a.example/path", " ", "쿠폰"],
    "NOTIFY_FROM": ["nosuch", "쿠폰"],
    "NOTIFY_MAIL_SERVER": ["nosuch", "http://mail.example", "smtp://mail:80a", "쿠폰"],
    "NOTIFY_WEBHOOK_URL": ["nosuch", "ftp://a.example/", "쿠폰"],
    "COUPONS_ENV": ["nosuch", " ", "PRODUCTION", "쿠폰"],
}
FREE = {
    "text": {
        "CONSUMER_HOST", "DRAINING_FILE", "FLOWER_LOGIN", "FLOWER_URL", "JWT_AUDIENCE",
        "OPERATOR_TOTP_ISSUER", "JWT_SIGNING_KEY_ID",
        "JWT_ISSUER", "OTEL_EXPORTER_OTLP_ENDPOINT", "RELEASE", "SITE_CERTIFICATE",
    },
    "listing": {
        "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "METRICS_FOLDERS", "SILENCED_CHECKS",
        "SHOP_SEGMENTS", "WARM_UP_URLS",
    },
}  # fmt: skip


def wrong_values(name: str, reader: str) -> list[str]:
    if reader in FREE:
        assert name in FREE[reader] or name in TEXTS, f"{name}: nobody has thought about it"
        return TEXTS.get(name, [])
    return BY_READER[reader]


def test_a_wrong_setting_ends_a_program_in_a_sentence() -> None:
    readers = {name: reader for name, reader, _ in reader_calls()} | {"COUPONS_ENV": "text"}
    cases = [(name, value) for name in readers for value in wrong_values(name, readers[name])]
    assert len(cases) > 200
    done = subprocess.run(
        [sys.executable, "-m", "tests.options.settings_driver"], input=json.dumps(cases),
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={"PATH": os.environ["PATH"], "ENV_FILES": "/dev/null", "PYTHONPATH": str(ROOT),
             "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    faults = {}
    for (name, value), (status, said) in zip(cases, json.loads(done.stdout), strict=True):
        wrong = fault_of_refusal(status, said)
        if wrong or name not in said:
            faults[f"{name}={value[:40]!r}"] = wrong or said
    assert faults == {}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("WEB_PORT=80a", [*MAKE, "run"]),
        ("DEMO_USERS=0", [*MAKE, "demo"]),
        ("DRAIN_BATCH=x", [sys.executable, "-m", "celery", "-A", "config", "report"]),
        ("DRAIN_BATCH=x", [sys.executable, "manage.py", "user_token", "mina"]),
        ("PROMETHEUS_MULTIPROC_DIR=/nosuch", [sys.executable, "-m", "config.worker.consumer"]),
    ],
)
def test_a_program_says_which_setting_is_wrong(setting: str, words: list[str]) -> None:
    """Also through make, whose status is 2 as well and which adds one line."""
    name, _, value = setting.partition("=")
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=os.environ | {name: value, "PYTHON": sys.executable},
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert fault_of_refusal(done.returncode, "\n".join(said)) == ""
    assert name in said[0]


def test_missing_settings_are_named_in_one_sentence() -> None:
    words = [sys.executable, "manage.py", "user_token", "mina", "--settings=config.nosuch"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert fault_of_refusal(done.returncode, done.stderr) == ""
    assert "'config.nosuch'" in done.stderr
