"""Messages on the broker stay few: bounded by number and by Redis' clock, never a worker's
clock."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config.beat import Lease, LeasedScheduler
from config.celery import app
from config.worker import process, queue_limits
from config.worker.queue_limits import (
    MOST_CANARIES,
    MOST_DELIVERY_WAKEUPS,
    MOST_WAKEUPS,
    PREFIX,
    Broker,
)
from config.worker.watchdog import Watchdog
from coupons import tasks
from coupons.broker import wakeups
from coupons.models import Campaign
from coupons.observability import metrics
from coupons.store import store
from tests.conftest import CampaignMaker

State = Campaign.State
PERIODIC = len(app.conf.beat_schedule)


@pytest.fixture
def broker_client() -> Iterator[Any]:
    """A client of the broker, which is emptied first."""
    with app.connection_for_write() as connection:
        redis = connection.default_channel.client
        redis.eval("return redis.call('FLUSHDB')", 0)
        yield redis
        redis.eval("return redis.call('FLUSHDB')", 0)


def message_headers(client: Any, queue: str = "celery") -> list[dict[str, Any]]:
    """Headers of the waiting messages, the newest first."""
    waiting = client.eval("return redis.call('LRANGE', KEYS[1], 0, -1)", 1, PREFIX + queue)
    return [json.loads(message)["headers"] for message in waiting]


def all_headers(client: Any) -> list[dict[str, Any]]:
    """Of the common queue and of those with a worker of their own; the newest of each first."""
    queues = ("celery", wakeups.WEBHOOK_QUEUE, wakeups.BULK_QUEUE)
    return [headers for queue in queues for headers in message_headers(client, queue)]


def beat_sends_everything() -> None:
    scheduler = LeasedScheduler(app=app)
    scheduler._lease = Lease("mina")
    for entry in scheduler.schedule.values():
        scheduler.apply_entry(entry)


def test_12_a2_no_message_has_an_expiry_by_a_workers_clock(broker_client: Any) -> None:
    wakeups.notify_drain("sale")
    wakeups.notify_drains(["sale", "other"])
    wakeups.send_canary("celery")
    wakeups.notify_delivery()
    beat_sends_everything()
    sent = all_headers(broker_client)
    assert {each["task"] for each in sent} == set(wakeups.TASKS)
    assert len(sent) == 4 + PERIODIC
    assert [(each["expires"], each["eta"]) for each in sent] == [(None, None)] * len(sent)


def test_12_a2_beats_messages_are_dated_by_redis_clock(
    broker_client: Any, redis_away: Callable[[], None]
) -> None:
    before_ms = store().server.now_ms()
    beat_sends_everything()
    dates = [each[wakeups.SENT_MS] for each in all_headers(broker_client)]
    assert len(dates) == PERIODIC
    assert all(before_ms <= at_ms <= store().server.now_ms() for at_ms in dates)
    redis_away()
    beat_sends_everything()
    later = [each[wakeups.SENT_MS] for each in all_headers(broker_client)]
    assert (len(later), later.count(0)) == (2 * PERIODIC, PERIODIC)


@pytest.mark.parametrize(
    ("age_s", "is_done"), [(None, True), (0, True), (4, True), (6, False), (9 * 3600, False),
                           (-3 * 3600, True)],
)  # fmt: skip
def test_12_a2_a_sweep_that_waited_behind_others_is_skipped_by_redis_clock_alone(
    draft: Callable[..., Campaign], open_campaign: CampaignMaker, age_s: float | None, is_done: bool
) -> None:
    open_campaign()
    headers = (
        {} if age_s is None else {wakeups.SENT_MS: store().server.now_ms() - round(age_s * 1000)}
    )
    skipped = metrics.STALE_MESSAGES.labels(wakeups.SWEEP)._value.get()
    tasks.sweep.apply(headers=headers, throw=True)
    assert Campaign.objects.get().state == (State.OPEN if is_done else State.SCHEDULED)
    assert metrics.STALE_MESSAGES.labels(wakeups.SWEEP)._value.get() == skipped + (not is_done)


def test_12_a2_unconsumed_canaries_are_few_and_expire(
    broker_client: Any,
) -> None:
    own = process.own_queue_name()
    for _ in range(MOST_CANARIES + 5):
        wakeups.send_canary(own)
    Watchdog().trim_queues()
    assert len(message_headers(broker_client, own)) == MOST_CANARIES
    left_s = broker_client.eval("return redis.call('TTL', KEYS[1])", 1, PREFIX + own)
    assert 0 < left_s <= queue_limits.CANARY_QUEUE_TTL_S


def test_12_a2_wakeups_stay_few_without_beat(broker_client: Any) -> None:
    for number in range(MOST_WAKEUPS + 30):
        wakeups.notify_drain(f"sale-{number}")
    Watchdog().trim_queues()
    headers = message_headers(broker_client)
    assert len(headers) == MOST_WAKEUPS
    assert headers[0]["argsrepr"] == f"['sale-{MOST_WAKEUPS + 29}']"


@pytest.mark.parametrize("notify", [wakeups.notify_delivery, wakeups.notify_bulk])
def test_wakeups_of_the_other_queues_stay_few(
    broker_client: Any, notify: Callable[[], bool]
) -> None:
    for _ in range(MOST_DELIVERY_WAKEUPS + 30):
        notify()
    Watchdog().trim_queues()
    assert len(all_headers(broker_client)) == MOST_DELIVERY_WAKEUPS


def test_12_a2_while_the_broker_is_away_no_process_ends() -> None:
    Watchdog(broker=Broker("redis://127.0.0.1:1/0")).trim_queues()
