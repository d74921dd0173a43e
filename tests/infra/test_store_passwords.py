"""The passwords of Redis and MySQL are exchanged while a crowd claims: nothing fails, what was told
is stored, and the former is refused afterwards. Real processes on real stores."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import redis
from django.db import connection

from coupons.identity import user_tokens
from coupons.models import Coupon
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import servers, services
from tests.harness.store_override import forget_store
from tests.infra.exchanged_stores import NEW, OLD, ExchangedMySQL, ExchangedRedis

pytestmark = pytest.mark.slow
TESTS = "of-the-tests-alone"


@contextmanager
def redis_with_a_password(folder: Path) -> Iterator[str]:
    """As the role made it before it had users. Yields the URL without the password."""
    with servers.start_redis(folder / "redis") as url:
        with redis.Redis.from_url(url) as client:
            client.config_set("requirepass", OLD)
        yield url


@pytest.fixture
def redis_store(tmp_path: Path, settings: Any) -> Iterator[ExchangedRedis]:
    """With the role's users; this process is a user of its own, whom no exchange concerns."""
    with redis_with_a_password(tmp_path) as url:
        store = ExchangedRedis(url, tmp_path)
        store.tell(OLD)
        with redis.Redis.from_url(store.url("admin", OLD)) as client:
            client.execute_command(
                "ACL", "SETUSER", "tests", "on", f">{TESTS}", "+@all", "~*", "&*"
            )
        settings.REDIS_URL = url.replace("redis://", f"redis://tests:{TESTS}@")
        forget_store()
        yield store
    forget_store()


@pytest.fixture
def mysql_store(transactional_db: None, tmp_path: Path) -> Iterator[ExchangedMySQL]:
    if connection.vendor != "mysql":
        pytest.skip("runs on MariaDB and MySQL")
    (tmp_path / "mysql").mkdir()
    store = ExchangedMySQL(tmp_path / "mysql")
    yield store
    store.drop()


class Crowd:
    """Users who claim, one after the other, where `port` points; what each was answered."""

    def __init__(self, port: int) -> None:
        self.port, self.answers, self._stop = port, list[int](), Event()
        self._threads = [Thread(target=self._claim, args=(f"crowd{n}",)) for n in range(4)]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:  # twice does no harm
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _claim(self, name: str) -> None:
        for nth in count():
            if self._stop.is_set():
                return
            self.answers.append(self._answer(user_tokens.mint_token(f"{name}-{nth}")))
            time.sleep(0.02)

    def _answer(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Content-Length": "0"}
        with (
            suppress(OSError, HTTPException),
            closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as asked,
        ):
            asked.request("POST", "/api/v1/campaigns/sale/claims", headers=headers)
            return asked.getresponse().status
        return 0

    def wait_for(self, more: int) -> None:
        until = len(self.answers) + more
        wait_until(lambda: len(self.answers) >= until)


class Hosts:
    """A web process, a worker and beat, replaced by others as a rolling pass does it."""

    def __init__(self, folder: Path, child: dict[str, str]) -> None:
        self._folder, self._child, self._running = folder, child, ExitStack()

    def start(self, environments: dict[str, dict[str, str]], name: str) -> int:
        """The port of the new web process. Those that ran before go on until `end` is called."""
        folder = self._folder / name
        folder.mkdir()
        stack = ExitStack()
        port = stack.enter_context(services.start_web(self._child | environments["web"], folder))
        stack.enter_context(services.start_worker(self._child | environments["worker"], folder))
        stack.enter_context(services.start_consumer(self._child | environments["worker"], folder))
        stack.enter_context(services.start_beat(self._child | environments["worker"], folder))
        self._before, self._running = self._running, stack
        return port

    def end_former(self) -> None:
        time.sleep(1)  # what is under way is answered
        self._before.close()

    def end(self) -> None:
        self._running.close()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["redis", "mysql"])
def test_a_password_is_exchanged_while_a_crowd_claims(
    kind: str, redis_store: ExchangedRedis, mysql_store: ExchangedMySQL,
    child_environment: dict[str, str], open_campaign: CampaignMaker, tmp_path: Path,
) -> None:  # fmt: skip
    exchanged = redis_store if kind == "redis" else mysql_store
    open_campaign(stock=1_000_000)
    hosts = Hosts(tmp_path, child_environment)

    def settings_with(password: str) -> dict[str, dict[str, str]]:
        return {
            user: redis_store.environment(user, OLD) | mysql_store.environment(user, OLD)
            | exchanged.environment(user, password) for user in ("web", "worker")
        }  # fmt: skip

    with Crowd(hosts.start(settings_with(OLD), "former")) as crowd, closing(_Ended(hosts)):
        crowd.wait_for(20)
        exchanged.tell(f"{NEW} {OLD}")
        exchanged.tell(f"{NEW} {OLD}")  # a run that was killed is completed by the next
        assert (exchanged.accepts(OLD), exchanged.accepts(NEW)) == (True, True)
        crowd.wait_for(20)
        crowd.port = hosts.start(settings_with(NEW), "new")
        hosts.end_former()
        crowd.wait_for(20)
        exchanged.tell(NEW)
        crowd.wait_for(20)
        crowd.__exit__()
        assert set(crowd.answers) == {202}, crowd.answers
        wait_until(lambda: Coupon.objects.count() == len(crowd.answers))
    assert (exchanged.accepts(OLD), exchanged.accepts(NEW)) == (False, True)


class _Ended:
    def __init__(self, hosts: Hosts) -> None:
        self.close = hosts.end


def test_without_the_overlap_claims_fail(
    redis_store: ExchangedRedis, child_environment: dict[str, str],
    open_campaign: CampaignMaker, tmp_path: Path,
) -> None:  # fmt: skip
    """The control, and what a revocation does: connections that the former opened end, too."""
    open_campaign(stock=1_000_000)
    environment = child_environment | redis_store.environment("web", OLD)
    with services.start_web(environment, tmp_path) as port, Crowd(port) as crowd:
        crowd.wait_for(20)
        redis_store.tell(f"{NEW} {OLD}", revoke=True)
        assert (redis_store.accepts(OLD), redis_store.accepts(NEW)) == (False, True)
        crowd.wait_for(20)
    assert set(crowd.answers[:20]) == {202}
    assert crowd.answers[-1] != 202


def test_a_revoked_password_of_mysql_is_refused_at_once(mysql_store: ExchangedMySQL) -> None:
    mysql_store.tell(f"{NEW} {OLD}")
    mysql_store.tell(f"{'m' * 64} {NEW} {OLD}", revoke=True)
    assert [mysql_store.accepts(word) for word in (OLD, NEW, "m" * 64)] == [False, False, True]


def test_the_first_users_come_without_a_restart(tmp_path: Path) -> None:
    """From the password alone to users: connections stay, and the server is the same one."""
    with redis_with_a_password(tmp_path) as url:
        store = ExchangedRedis(url, tmp_path)
        with redis.Redis.from_url(store.url("default", OLD), decode_responses=True) as client:
            before = client.info("server")["run_id"], client.client_id()
            assert store.tell(OLD, redis_keeps_default=True) == "changed\n"
            assert store.tell(OLD, redis_keeps_default=True) == "", "nothing is told twice"
            assert store.accepts(OLD, "default")
            assert store.tell(OLD) == "changed\n"
            assert (client.info("server")["run_id"], client.client_id()) == before
        assert (store.accepts(OLD, "default"), store.accepts(OLD)) == (False, True)
