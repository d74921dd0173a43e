"""Flower refuses to start without a login where it is public; it shows workers and wake-ups."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.development.process import commands
from tests.harness.servers import free_port, is_listening, start_process

LOGIN = (
    """mina:p,a/s:s'w"o$r d%41,\\#"""  # issue 12, part 10: any character that a generator may draw
)


@pytest.mark.parametrize(
    ("production", "address", "login"),
    [
        (True, "127.0.0.1", ""),
        (False, "0.0.0.0", ""),
        (False, "127.0.0.1", "mina:short"),
        (False, "127.0.0.1", "p" * 20),
        (False, "127.0.0.1", "mina:쿠폰쿠폰쿠폰쿠폰쿠폰쿠폰"),
    ],
)
def test_it_does_not_start_where_strangers_could_look_in(
    settings: Any, production: bool, address: str, login: str
) -> None:
    settings.PRODUCTION, settings.FLOWER_LOGIN = production, login
    with pytest.raises(CommandError, match="FLOWER_LOGIN"):
        call_command("flower", address=address)


@pytest.fixture
def flower_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a running Flower, configured by the environment as on a host."""
    port = free_port()
    command = commands.flower_command("--port", str(port))
    env = {"CELERY_BROKER_URL": os.environ["REDIS_URL"], "FLOWER_LOGIN": LOGIN}
    with start_process(
        command, ready=lambda: is_listening(port), log=tmp_path / "flower.log", env=env
    ):
        yield f"http://127.0.0.1:{port}"


def open_url(url: str, login: str = "") -> Any:
    request = urllib.request.Request(url)
    if login:
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def test_behind_its_login_it_shows_workers_and_wakeups(flower_url: str, tmp_path: Path) -> None:
    for wrong in ("", "mina:wrong", LOGIN.replace("mina", "eve"), LOGIN.partition(",")[0]):
        for page in ("/", "/workers", "/api/tasks"):
            with pytest.raises(urllib.error.HTTPError, match="401") as refusal:
                open_url(flower_url + page, wrong)
            refusal.value.close()
    worker = commands.worker_command("--hostname", "one@flower-test", "--loglevel", "INFO")
    broker = os.environ | {"CELERY_BROKER_URL": os.environ["REDIS_URL"]}
    log = tmp_path / "worker.log"
    with start_process(worker, ready=lambda: "ready." in log.read_text(), log=log, env=broker):
        ring = "from config.celery import app; app.send_task('coupons.drain', args=['nobody'])"
        subprocess.run([sys.executable, "-c", ring], env=broker, check=True)
        deadline = time.monotonic() + 120
        while not (bells := json.loads(open_url(f"{flower_url}/api/tasks", LOGIN))):
            assert time.monotonic() < deadline, "Flower has heard of no bell"
            time.sleep(0.2)
    assert {bell["name"] for bell in bells.values()} == {"coupons.drain"}
    assert b"one@flower-test" in open_url(f"{flower_url}/workers", LOGIN)
