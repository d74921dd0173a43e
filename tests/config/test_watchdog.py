"""The watchdog restarts a worker that is alive and connected but consumes nothing; it leaves alone
a busy one, one that is gone, and one whose broker is away."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.celery import app
from config.development.process import commands
from config.worker import liveness, watchdog
from config.worker.watchdog import Reason, Watchdog
from coupons.broker import wakeups
from coupons.observability import metrics
from coupons.store import store
from tests.config.test_consumer import Consumer, Environment, start_consumer
from tests.config.waiting import wait_until
from tests.harness import servers
from tests.harness.proxy import start_proxy
from tests.harness.servers import free_port

pytestmark = pytest.mark.slow

PATIENCE_S = 25  # a busy machine takes ten seconds for a canary


class Supervised:
    """A worker under a supervisor that starts it again whenever it ends, as systemd does."""

    def __init__(self, environment: Environment, log: Path) -> None:
        self.pids: list[int] = []
        self._environment, self._log, self._over = environment, log, threading.Event()
        self._thread = threading.Thread(target=self._supervise)
        self._thread.start()

    def _supervise(self) -> None:
        command = commands.worker_command()
        worker = servers.start_program(command, log=self._log, env=self._environment)
        self.pids.append(worker.pid)
        while not self._over.wait(0.05):
            if worker.status is not None:
                worker.restart()
                self.pids.append(worker.pid)
        worker.kill()

    def stop_worker(self) -> None:
        self._over.set()
        self._thread.join(60)


@pytest.fixture
def watchdog_environment(child_environment: Environment, tmp_path: Path) -> Environment:
    (tmp_path / "counts").mkdir()
    return child_environment | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts"),
        "CONSUMER_PORT": str(free_port()),
        "WORKER_PATIENCE_S": str(PATIENCE_S),
        "CELERY_REMOTE_CONTROL": "yes",
    }


@contextmanager
def supervised_worker(environment: Environment, folder: Path, **more: str) -> Iterator[Supervised]:
    worker = Supervised(environment | more, folder / "worker.log")
    try:
        yield worker
    finally:
        worker.stop_worker()


def count_ended_workers(consumer: Consumer, reason: Reason) -> float:
    page = consumer.send_get("/metrics")[1]
    found = re.search(rf'^coupon_workers_terminated_total{{reason="{reason}"}} (\S+)$', page, re.M)
    return float(found[1]) if found else 0.0


def is_ready_but_for_beat(consumer: Consumer) -> bool:
    """Whether all checks pass except the one of beat, which does not run here."""
    parts = json.loads(consumer.send_get("/readyz")[1])
    return bool(parts == dict.fromkeys(parts, True) | {"sweeps": False})


def cancel_consumers() -> None:
    """Make the worker consume nothing although alive and connected, as after a connection reset."""
    queues = answer_of(lambda: app.control.inspect(timeout=3).active_queues())
    for name in {queue["name"] for each in queues.values() for queue in each}:
        answer_of(partial(app.control.cancel_consumer, name, reply=True, timeout=3))


def answer_of(ask: Callable[[], Any]) -> Any:
    """The worker's, asked again until there is one: Celery waits for a time and no longer."""
    answers: list[Any] = []

    def has_answered() -> Any:
        answers.append(ask())
        return answers[-1]

    wait_until(has_answered)
    return answers[-1]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_consumes_nothing_is_restarted(
    watchdog_environment: Environment, tmp_path: Path
) -> None:
    with (
        start_consumer(watchdog_environment, tmp_path) as consumer,
        supervised_worker(watchdog_environment, tmp_path) as worker,
    ):
        wait_until(lambda: is_ready_but_for_beat(consumer))
        assert store().wakeups.canary_age_ms() is None, "a watchdog's canary says nothing of beat"
        time.sleep(PATIENCE_S + 1)
        assert len(worker.pids) == 1, "a worker that hears is left alone"
        cancel_consumers()
        wait_until(lambda: len(worker.pids) == 2)
        wait_until(lambda: count_ended_workers(consumer, Reason.DEAF) == 1)
        wait_until(lambda: is_ready_but_for_beat(consumer))


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_webhooks_worker_is_watched_as_well(
    watchdog_environment: Environment, tmp_path: Path
) -> None:
    """By its metrics folder, which the consumer adds to its page. It is frozen by SIGSTOP, and not
    started again: nothing supervises it here."""
    folder = tmp_path / "webhooks"
    folder.mkdir()
    watching = watchdog_environment | {"METRICS_FOLDERS": str(folder)}
    own = watchdog_environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    worker = servers.start_program(
        commands.webhook_worker_command(), log=tmp_path / "webhooks.log", env=own
    )
    try:
        with start_consumer(watching, tmp_path) as consumer:
            wait_until(lambda: watchdog.worker_pid(str(folder)) == worker.pid)
            time.sleep(PATIENCE_S + 3)
            assert worker.status is None, "a worker that hears is left alone"
            os.kill(worker.pid, signal.SIGSTOP)
            wait_until(lambda: worker.status is not None)
            assert sum(count_ended_workers(consumer, reason) for reason in Reason) == 1
    finally:
        worker.kill()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_without_the_watchdog_it_consumes_nothing_and_looks_healthy(
    watchdog_environment: Environment, tmp_path: Path
) -> None:
    """The negative control: its main loop runs, and it is not restarted."""
    patient = watchdog_environment | {"WORKER_PATIENCE_S": "600"}
    with (
        start_consumer(patient, tmp_path) as consumer,
        supervised_worker(patient, tmp_path) as worker,
    ):
        wait_until(lambda: is_ready_but_for_beat(consumer))
        cancel_consumers()
        app.send_task("coupons.canary")
        time.sleep(PATIENCE_S + 4)
        assert consumer.send_get("/livez")[0] == 200
        assert len(worker.pids) == 1
        assert app.connection_for_write().default_channel.client.llen("celery") > 0
        app.control.purge()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_worker_with_a_half_open_broker_connection_is_restarted(
    watchdog_environment: Environment, tmp_path: Path
) -> None:
    """Only the worker's connections get no answer: the broker serves all other clients."""
    address = urlsplit(os.environ["REDIS_URL"])
    with start_proxy({"broker": address.port or 0}, tmp_path / "proxy.log") as routes:
        broker = routes["broker"]
        through = {"CELERY_BROKER_URL": f"redis://127.0.0.1:{broker.port}/0"}
        with (
            start_consumer(watchdog_environment, tmp_path) as consumer,
            supervised_worker(watchdog_environment, tmp_path, **through) as worker,
        ):
            wait_until(lambda: is_ready_but_for_beat(consumer))
            broker.switch_to("hole")
            wait_until(lambda: len(worker.pids) > 1)
            broker.switch_to("pass")
            wait_until(lambda: is_ready_but_for_beat(consumer))


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_main_loop_hangs_is_restarted(
    watchdog_environment: Environment, tmp_path: Path
) -> None:
    with (
        start_consumer(watchdog_environment, tmp_path) as consumer,
        supervised_worker(watchdog_environment, tmp_path) as worker,
    ):
        wait_until(lambda: is_ready_but_for_beat(consumer))
        os.kill(worker.pids[0], signal.SIGSTOP)
        wait_until(lambda: len(worker.pids) == 2)
        wait_until(lambda: is_ready_but_for_beat(consumer))
        assert (
            count_ended_workers(consumer, Reason.STUCK) + count_ended_workers(consumer, Reason.DEAF)
            == 1
        )


# What it concludes from the signs


@pytest.fixture
def watched_world(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[str, Any]:
    """The watchdog's inputs, to be changed: the pid, whether the broker works, the ages of both
    signs."""
    world: dict[str, Any] = {"pid": 1, "broker": True, "beat": inf, "sign": inf, "ended": []}
    settings.WORKER_PATIENCE_S = 10
    signs = {metrics.WORKER_HEARTBEAT: "beat", metrics.WORKER_LAST_TASK: "sign"}
    monkeypatch.setattr(watchdog, "worker_pid", lambda _folder: world["pid"])
    monkeypatch.setattr(wakeups, "send_canary", lambda queue: world["broker"])
    monkeypatch.setattr(liveness, "seconds_since", lambda gauge, _folder: world[signs[gauge]])
    monkeypatch.setattr(
        watchdog, "end_worker", lambda pid, reason, _folder: world["ended"].append((pid, reason))
    )
    return world


def check_after(dog: Watchdog, seconds: float) -> Reason | None:
    dog.since -= seconds
    return dog.check_worker()


def test_it_judges_by_the_last_sign(watched_world: dict[str, Any]) -> None:
    dog = Watchdog()
    watched_world["beat"] = 0
    assert dog.check_worker() is None
    assert check_after(dog, 9) is None
    watched_world["sign"] = 9
    assert check_after(dog, 60) is None
    watched_world["sign"] = 11
    assert dog.check_worker() is Reason.DEAF
    watched_world["beat"] = 11
    assert dog.check_worker() is Reason.STUCK
    assert watched_world["ended"] == [(1, Reason.DEAF), (1, Reason.STUCK)]


@pytest.mark.parametrize("change", [{"broker": False}, {"pid": None}, {"pid": 2}])
def test_a_worker_that_is_new_or_gone_and_one_without_a_broker_get_their_time(
    watched_world: dict[str, Any], change: dict[str, Any]
) -> None:
    dog = Watchdog()
    dog.check_worker()
    before = dict(watched_world)
    dog.since -= 100
    watched_world.update(change)
    assert dog.check_worker() is None
    watched_world.update(before)
    assert dog.check_worker() is None, "the patience begins anew"
    assert watched_world["ended"] == []
    assert check_after(dog, 11) is not None
