"""A made-up release that changes what Redis holds of a campaign is deployed while users claim: old
processes and new ones, both steps, told = stored, no failed request.
"""

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config import env
from config.development.demo.told_stored import Row, find_duplicates, find_lost
from config.development.process import commands
from coupons.claims import coupon_codes
from coupons.identity import user_tokens
from coupons.models import Coupon
from coupons.store import keys, store
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import layout_release
from tests.harness.servers import free_port, is_listening, start_process

pytestmark = pytest.mark.slow

Environment = dict[str, str]
STOCK = 100_000
PATHS = ("manage.py", "config", "coupons")


@dataclass(slots=True)
class Users:
    """New users who claim one after the other at whichever ports are served, each once; what they
    were told, and every answer that is no admission."""

    ports: list[int]
    told: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    by_port: dict[int, int] = field(default_factory=dict)

    def claim(self, name: str) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            port = self.ports[number % len(self.ports)]
            status, body = post_claim(port, f"{name}-{number}")
            if status == 202:
                self.told.append(Row(f"{name}-{number}", body["place"], body["code"]))
                self.by_port[port] = self.by_port.get(port, 0) + 1
            else:
                self.failed.append(f"{port}: {status} {body}")

    @contextmanager
    def claiming(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.claim, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def wait_for_more(self, port: int, count: int = 20) -> None:
        wanted = self.by_port.get(port, 0) + count
        wait_until(lambda: self.by_port.get(port, 0) >= wanted)


def post_claim(port: int, user: str) -> tuple[int, Any]:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        token = {"Authorization": f"Bearer {user_tokens.mint_token(user)}"}
        asking.request("POST", "/api/v1/campaigns/sale/claims", headers=token)
        answer = asking.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError as error:
        return 0, repr(error)
    finally:
        asking.close()


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """Its folder."""
    tree = tmp_path / "next"
    tree.mkdir()
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", *PATHS],
        cwd=env.BASE_DIR, capture_output=True, check=True,
    ).stdout  # fmt: skip
    copy = ["xargs", "-0", "cp", "--parents", "-t", str(tree)]
    subprocess.run(copy, cwd=env.BASE_DIR, input=files, check=True)
    for name, text in layout_release.changed_files(env.BASE_DIR).items():
        (tree / name).write_text(text)
    return tree


@contextmanager
def web(tree: Path, environment: Environment, folder: Path) -> Iterator[int]:
    """Yields its port, once it has answered and reports which layouts it reads; nobody asks it
    whether it is ready."""
    port = free_port()
    command, told = within(tree, commands.granian_command(port)), counting(environment, folder)
    log = folder / "log"
    with start_process(command, ready=lambda: is_listening(port), log=log, env=told):
        wait_until(lambda: post_claim(port, "warm-up")[0] != 0)
        wait_until(lambda: "web" in reporting())
        yield port


@contextmanager
def worker(tree: Path, environment: Environment, folder: Path) -> Iterator[None]:
    """Ready when it reports which layouts it reads: before it has had a single task."""
    command, told = within(tree, commands.worker_command()), counting(environment, folder)
    with start_process(
        command, ready=lambda: "celery" in reporting(), log=folder / "log", env=told
    ):
        yield


@contextmanager
def beat(tree: Path, environment: Environment, folder: Path) -> Iterator[None]:
    """Its sweep makes good for wake-ups that were lost with the old worker, as on a site."""
    told = counting(environment, folder)
    command = within(tree, commands.beat_command("--schedule", str(folder / "schedule")))
    with start_process(command, ready=lambda: "beat" in reporting(), log=folder / "log", env=told):
        yield


def reporting() -> set[str]:
    """The roles of the processes that say which layouts they read: web, celery, beat."""
    return {report.process.partition("@")[0] for report in store().layouts.layout_reports()}


def counting(environment: Environment, folder: Path) -> Environment:
    """With this folder, which is made, for its metrics."""
    folder.mkdir()
    return environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}


def within(tree: Path, command: list[str]) -> list[str]:
    return ["sh", "-c", 'cd "$0" && exec "$@" >/dev/null', str(tree), *command]


def manage(tree: Path, environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=tree, env=environment, timeout=120,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_15_8_a_release_that_changes_redis_is_deployed_under_load(
    open_campaign: CampaignMaker,
    child_environment: Environment,
    next_release: Path,
    tmp_path: Path,
) -> None:
    open_campaign(stock=STOCK)
    connection.close()
    old, new, users = env.BASE_DIR, next_release, Users([])
    upgrade = partial(manage, new, child_environment, "upgrade_redis", "--moment")
    with ExitStack() as running, ExitStack() as old_running:
        old_port = old_running.enter_context(web(old, child_environment, tmp_path / "old"))
        old_running.enter_context(worker(old, child_environment, tmp_path / "old-worker"))
        users.ports = [old_port]
        running.enter_context(users.claiming())
        users.wait_for_more(old_port)

        assert upgrade("before").returncode == 0
        new_port = running.enter_context(web(new, child_environment, tmp_path / "new"))
        users.ports = [old_port, new_port]
        users.wait_for_more(new_port)
        users.wait_for_more(old_port)
        early = upgrade("after", "--wait", "0")
        assert early.returncode == 1
        assert "unable to read the new layout" in early.stderr
        assert "web@" in early.stderr and "celery@" in early.stderr
        assert layout_fields() == (b"1", True, False), "old processes still claim"

        users.ports = [new_port]
        users.wait_for_more(new_port)
        old_running.close()
        running.enter_context(worker(new, child_environment, tmp_path / "new-worker"))
        late = upgrade("after", "--wait", "90")
        assert late.returncode == 0, late.stderr
        assert "sale: has layout 2 now." in late.stdout
        assert layout_fields() == (b"2", False, True)
        running.enter_context(beat(new, child_environment, tmp_path / "new-beat"))
        users.wait_for_more(new_port, 100)
        users.stop.set()

        wait_until(lambda: not store().queue.waiting_counts(["sale"])["sale"])
    assert users.failed == []
    rows = stored_rows()
    assert find_lost(users.told, rows) == []
    assert find_duplicates(users.told, rows) == []
    assert_old_release_refuses(child_environment, tmp_path)


def layout_fields() -> tuple[bytes, bool, bool]:
    """The mark, and whether the gate has the field of either layout."""
    fields: Any = store().client.hmget(
        keys.campaign_keys("sale").gate, "layout", "longest", "limit"
    )
    mark, longest, limit = fields
    return mark, longest is not None, limit is not None


def stored_rows() -> list[Row]:
    coupons = Coupon.objects.values_list("user", "place", "code")
    return [Row(user, place, coupon_codes.grouped_code(code)) for user, place, code in coupons]


def assert_old_release_refuses(environment: Environment, folder: Path) -> None:
    """Started again by mistake, it says what is wrong and decides nothing."""
    places = store().client.hget(keys.campaign_keys("sale").gate, "next")
    with web(env.BASE_DIR, environment, folder / "again") as port:
        status, body = post_claim(port, "late")
    assert (status, body["code"]) == (503, "store_error")
    assert store().client.hget(keys.campaign_keys("sale").gate, "next") == places
    checked = manage(env.BASE_DIR, environment, "check", "--tag", "stores")
    assert "coupons.E029" in checked.stderr
