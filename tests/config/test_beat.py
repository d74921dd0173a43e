"""Beat runs on every consumer host; only the holder of the lease schedules tasks."""

import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config import beat
from config.beat import LEASE, MOST_WAKEUPS, WAKEUP_QUEUE, Broker, Lease, LeasedScheduler
from config.celery import app
from coupons.broker import wakeups


@pytest.fixture(autouse=True)
def no_lease() -> Iterator[Any]:
    with app.connection_for_write() as connection:
        client = connection.default_channel.client
        client.eval("return redis.call('DEL', KEYS[1])", 1, LEASE)
        yield client


@pytest.fixture
def sent_tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tasks that all schedulers have sent."""
    names: list[str] = []
    monkeypatch.setattr(
        LeasedScheduler, "apply_entry", lambda self, entry, **_: names.append(entry.task)
    )
    return names


def leased_scheduler(host: str) -> LeasedScheduler:
    scheduler = LeasedScheduler(app=app)
    scheduler._lease = Lease(host)
    return scheduler


def tick_schedulers(*schedulers: LeasedScheduler, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for one in schedulers:
            one.tick()
        time.sleep(0.02)


@pytest.fixture
def senders(sent_tasks: list[str], monkeypatch: pytest.MonkeyPatch) -> list[LeasedScheduler]:
    """Who has sent a task, once for each task."""
    found: list[LeasedScheduler] = []
    monkeypatch.setattr(LeasedScheduler, "apply_entry", lambda self, entry, **_: found.append(self))
    return found


def test_only_one_of_two_schedulers_sends_tasks(
    senders: list[LeasedScheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "LEASE_MS", 600_000)  # however long a busy machine rests
    tick_schedulers(leased_scheduler("mina"), leased_scheduler("jun"), seconds=2.4)
    assert len(set(senders)) == 1


def test_negative_control_without_the_lease_both_send_tasks(
    senders: list[LeasedScheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(Lease, "take", lambda self: True)
    tick_schedulers(leased_scheduler("mina"), leased_scheduler("jun"), seconds=2.4)
    assert len(set(senders)) == 2


def test_the_other_takes_over_at_once_when_the_first_leaves(sent_tasks: list[str]) -> None:
    mina, jun = Lease("mina"), Lease("jun")
    assert (mina.take(), jun.take()) == (True, False)
    mina.leave()
    assert (jun.take(), mina.take()) == (True, False)
    mina.leave()  # the lease is no longer its own
    assert not mina.take()


def test_the_other_takes_over_when_the_first_is_gone(
    no_lease: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "LEASE_MS", 60_000)
    mina, jun = Lease("mina"), Lease("jun")
    assert mina.take()
    no_lease.eval("return redis.call('PEXPIRE', KEYS[1], 30000)", 1, LEASE)
    assert mina.take()
    assert no_lease.eval("return redis.call('PTTL', KEYS[1])", 1, LEASE) > 30_000, "renewed"
    assert not jun.take()
    no_lease.eval("return redis.call('PEXPIRE', KEYS[1], 1)", 1, LEASE)
    time.sleep(0.05)
    assert jun.take()


def test_without_a_broker_no_scheduler_sends_and_none_ends(sent_tasks: list[str]) -> None:
    lonely = leased_scheduler("mina")
    lonely._lease = Lease("mina", Broker("redis://127.0.0.1:1/0"))
    assert lonely.tick() == beat.ASK_AGAIN_S
    assert sent_tasks == []
    lonely._lease.leave()


@pytest.fixture
def waiting_wakeups(no_lease: Any) -> Iterator[Callable[[], list[str]]]:
    """Campaigns of the wake-up messages that wait on the broker, the newest first."""

    def campaigns_with_wakeups() -> list[str]:
        waiting = no_lease.eval("return redis.call('LRANGE', KEYS[1], 0, -1)", 1, WAKEUP_QUEUE)
        bodies = (b64decode(json.loads(message)["body"]) for message in waiting)
        return [json.loads(body)[0][0] for body in bodies]

    app.control.purge()
    yield campaigns_with_wakeups
    app.control.purge()


def test_wakeups_that_waited_for_a_night_are_discarded(
    sent_tasks: list[str],
    waiting_wakeups: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rung = [f"sale-{number}" for number in range(MOST_WAKEUPS + 30)]
    for slug in rung:
        wakeups.notify_drain(slug)
    assert len(waiting_wakeups()) == MOST_WAKEUPS + 30
    leased_scheduler("mina").tick()
    assert waiting_wakeups() == rung[: -MOST_WAKEUPS - 1 : -1]
    assert "30 wake-ups that no worker took" in caplog.text


def test_a_scheduler_without_the_lease_discards_no_wakeups(
    sent_tasks: list[str], waiting_wakeups: Callable[[], list[str]]
) -> None:
    for number in range(MOST_WAKEUPS + 30):
        wakeups.notify_drain(f"sale-{number}")
    Lease("jun").take()
    leased_scheduler("mina").tick()
    assert len(waiting_wakeups()) == MOST_WAKEUPS + 30


def test_wakeups_up_to_the_limit_are_all_consumed(
    sent_tasks: list[str], waiting_wakeups: Callable[[], list[str]]
) -> None:
    wakeups.notify_drain("spring-sale")
    leased_scheduler("mina").tick()
    assert waiting_wakeups() == ["spring-sale"]
