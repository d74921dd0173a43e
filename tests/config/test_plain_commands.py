"""15.2: commands as an engineer types them do what they are expected to do."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.config.test_settings import PRODUCTION
from tests.harness import servers
from tests.harness.forked_python import run_python

ROOT = Path(__file__).resolve().parents[2]
# Empty: files that `collectstatic` has collected must not be needed.
SITE = "from config.settings import *; STATIC_ROOT = {folder!r}; WHITENOISE_ROOT = None"

pytestmark = pytest.mark.slow


def run_manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_python("manage.py", *words, cwd=ROOT, env=os.environ | environment, timeout_s=300)


@contextmanager
def start_runserver(folder: Path) -> Iterator[tuple[int, Path]]:
    (folder / "site_settings.py").write_text(SITE.format(folder=str(folder / "static")))
    port, log = servers.free_port(), folder / "runserver.log"
    command = [
        "env", f"PYTHONPATH={folder}:{ROOT}", "DJANGO_SETTINGS_MODULE=site_settings",
        sys.executable, str(ROOT / "manage.py"), "runserver", "--noreload", f"127.0.0.1:{port}",
    ]  # fmt: skip
    with servers.start_process(command, ready=lambda: servers.is_listening(port), log=log):
        yield port, log


def fetch_page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return str(answer.read().decode())


def test_15_2_runserver_serves_the_admin_with_its_style(tmp_path: Path) -> None:
    with start_runserver(tmp_path) as (port, log):
        assert "admin/css/base.css" in fetch_page(port, "/admin/login/")
        assert "body" in fetch_page(port, "/static/admin/css/base.css")
        assert "/api/v1/" in fetch_page(port, "/api/v1/schema")
        time.sleep(1)  # ten marked requests of the overload sensor
        assert "waiting-time" not in log.read_text()


def test_15_2_runserver_is_refused_in_production() -> None:
    refused = run_manage("runserver", **PRODUCTION)
    assert refused.returncode == 1
    assert "granian" in refused.stderr


def test_15_2_manage_py_test_is_pytest() -> None:
    ran = run_manage("test", "--version")
    assert ran.returncode == 0
    assert ran.stdout.startswith("pytest ")
    collected = run_manage("test", "--collect-only", "-q", "tests/config/test_plain_commands.py")
    assert "test_15_2_manage_py_test_is_pytest" in collected.stdout


def test_15_2_a_token_is_signed_in_production_only_when_that_is_spelled_out() -> None:
    refused = run_manage("user_token", "mina", **PRODUCTION)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--sign-in-production" in refused.stderr
    signed = run_manage("user_token", "mina", "--sign-in-production", **PRODUCTION)
    assert signed.stdout.count(".") == 2
