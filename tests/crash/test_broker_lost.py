"""The broker dies while a worker is busy, and is back after the worker has become idle."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery

from config.development.process import commands
from coupons import store
from coupons.admission import strategies
from coupons.broker import wakeups
from coupons.claims.values import Claim
from coupons.store import keys
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import servers

pytestmark = pytest.mark.slow

ATTEMPTS = 6  # after so many, a pause has its greatest length
LONGEST_PAUSE_S = 1  # between two attempts to connect; Celery's own are 2, 4, 6 and so on
PATIENCE_S = 3  # timeout of a drain for its database: the worker is busy for so long


@contextmanager
def start_worker(folder: Path, broker: str) -> Iterator[None]:
    """A worker with one child, and a database that is down. Without heartbeats, which also detect a
    lost broker if one falls into its absence."""
    env = {
        "CELERY_BROKER_URL": broker, "DRAIN_PATIENCE_S": str(PATIENCE_S),
        "DATABASE_URL": f"mysql://nobody:nothing@127.0.0.1:{servers.free_port()}/nowhere",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
    }  # fmt: skip
    command = commands.worker_command("--without-heartbeat")
    with servers.start_program(command, log=folder / "worker.log", env=env) as program:
        try:
            yield
        finally:
            program.kill()


def pauses_s(log: Path) -> list[float]:
    """Between the attempts to connect, as the worker says them."""
    return [float(s) for s in re.findall(r"Trying again in ([\d.]+) second", log.read_text())]


def is_consumed(broker: str) -> bool:
    """Whether a worker waits for messages at this broker."""
    with redis.Redis.from_url(broker) as client:
        return any(each["cmd"] == "brpop" for each in client.client_list())


@pytest.mark.django_db(transaction=True)
def test_a_worker_asks_for_bells_again(open_campaign: CampaignMaker, tmp_path: Path) -> None:
    strategies.admit(open_campaign(), Claim("mina"))
    port = servers.free_port()
    broker = f"redis://127.0.0.1:{port}/0"
    forgetful = ("--appendonly", "no")
    queue = keys.campaign_keys("sale").queue
    with start_worker(tmp_path, broker):
        with servers.start_redis(tmp_path / "before", port=port, extra=forgetful):
            wait_until(lambda: is_consumed(broker))
            with Celery(broker=broker, set_as_current=False) as client:
                client.conf.broker_transport_options = {"global_keyprefix": "cq:"}
                client.send_task(wakeups.DRAIN, args=["sale"])
            pending = store.store().client
            wait_until(lambda: pending.xpending(queue, keys.GROUP)["pending"] > 0)
        time.sleep(PATIENCE_S + 1)  # the drain gives up, and its task can't be acknowledged
        with servers.start_redis(tmp_path / "after", port=port, extra=forgetful):
            wait_until(lambda: is_consumed(broker))


def test_a_broker_that_was_away_for_long_is_asked_at_once(tmp_path: Path) -> None:
    """By the pauses that it announces: how long it takes is this machine's affair, too."""
    port = servers.free_port()
    broker = f"redis://127.0.0.1:{port}/0"
    forgetful = ("--appendonly", "no")
    with start_worker(tmp_path, broker):
        with servers.start_redis(tmp_path / "before", port=port, extra=forgetful):
            wait_until(lambda: is_consumed(broker))
        log = tmp_path / "worker.log"
        wait_until(lambda: len(pauses_s(log)) >= ATTEMPTS)
        with servers.start_redis(tmp_path / "after", port=port, extra=forgetful):
            wait_until(lambda: is_consumed(broker))
        assert max(pauses_s(log)) <= LONGEST_PAUSE_S
