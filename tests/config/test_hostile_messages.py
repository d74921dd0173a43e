"""M16: whatever lies on a queue of the broker, the worker drops and counts it, and goes on."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from kombu.entity import Exchange, Queue
from kombu.transport import redis as kombu_redis

from config.celery import app
from config.worker.queue_limits import PREFIX
from config.worker.transport import GuardedChannel, GuardedTransport, shape_fault
from coupons.models import Coupon
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker, Person
from tests.harness import services


def message(**changed: Any) -> dict[str, Any]:
    """A wake-up as Celery writes it; the body is not read before the pool has it."""
    body = base64.b64encode(b'[["sale"], {}, {"callbacks": null}]').decode()
    properties = {
        "correlation_id": "a", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
        "delivery_tag": "b", "delivery_info": {"exchange": "", "routing_key": "celery"},
    }  # fmt: skip
    headers = {"lang": "py", "task": "coupons.drain", "id": "a", "root_id": "a", "parent_id": None}
    whole = {
        "body": body, "content-encoding": "utf-8", "content-type": "application/json",
        "headers": headers, "properties": properties,
    }  # fmt: skip
    return whole | changed


def with_property(name: str, value: Any) -> dict[str, Any]:
    return message(properties=message()["properties"] | {name: value})


def with_header(name: str, value: Any) -> dict[str, Any]:
    return message(headers=message()["headers"] | {name: value})


WITHOUT = [{name: value for name, value in message().items() if name != left} for left in message()]
SHAPES: list[Any] = [
    None, 1, "text", [], [1], {}, {"properties": {}}, {"properties": None}, {"body": 1}, *WITHOUT,
    message(headers=None), message(headers=[]), message(headers={}), message(headers={"task": "x"}),
    message(properties=[]), message(body="*"), message(body=5), message(body=None),
    message(**{"content-type": "application/x-python-serialize"}),
    message(**{"content-type": 7, "content-encoding": []}),
    message(**{"content-encoding": "rot13"}), message(**{"content-encoding": "no-such"}),
    with_property("delivery_tag", None), with_property("delivery_tag", ["a"]),
    with_property("delivery_info", None), with_property("delivery_info", {}),
    with_property("body_encoding", "none"), with_property("priority", "high"),
    with_header("task", "no.such.task"), with_header("task", ["x"]), with_header("task", None),
    with_header("id", {}), with_header("eta", "never"), with_header("expires", "x"),
    with_header("retries", "x"), with_header("timelimit", 5), with_header("argsrepr", 5),
    with_header("compression", "zlib"), with_header("compression", "no-such"),
    with_header("sent_ms", 2**70), with_header("kwargsrepr", "x" * 1_000_000),
    message(body=base64.b64encode(b"\xff\x00").decode()),
    message(body=base64.b64encode(b"1").decode()),
    message(body=base64.b64encode(b'[{"a": 1}, [], null]').decode()),
    message(body=base64.b64encode(b'[[["sale"]], {"x": 1}, {}]').decode()),
    message(body=base64.b64encode(b'[[{"__type__": "x", "__value__": 1}], {}, {}]').decode()),
]  # fmt: skip
LINES: list[bytes] = [
    b"", b" ", b"no JSON", b"\xff\xfe", b"\x00" * 100, b"{", b"[" * 100_000, b"NaN", b"9" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b'"' + b"x" * 5_000_000 + b'"', b"*1\r\n$4\r\nPING\r\n",
    b'{"__type__": "datetime", "__value__": "never"}',
    b'{"properties": {"__type__": "uuid", "__value__": 5}}',
    *(json.dumps(shape).encode() for shape in SHAPES),
]  # fmt: skip


@pytest.fixture
def broker_client() -> Iterator[Any]:
    with app.connection_for_write() as connection:
        redis = connection.default_channel.client
        redis.eval("return redis.call('FLUSHDB')", 0)
        yield redis
        redis.eval("return redis.call('FLUSHDB')", 0)


def push(client: Any, line: bytes) -> None:
    client.eval("return redis.call('LPUSH', KEYS[1], ARGV[1])", 1, f"{PREFIX}celery", line)


def queue_length(client: Any) -> int:
    return int(client.eval("return redis.call('LLEN', KEYS[1])", 1, f"{PREFIX}celery"))


def test_our_connections_use_the_guarded_transport() -> None:
    with app.connection_for_write() as connection:
        assert isinstance(connection.transport, GuardedTransport)


app.loader.import_default_modules()
OURS = sorted(name for name in app.tasks if name.startswith("coupons."))


@pytest.mark.parametrize("name", OURS)
def test_whatever_we_send_is_of_the_shape(
    broker_client: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """By the task, as beat sends it, and by its name, as the bell is rung."""
    sent_by_beat = [entry for entry in app.conf.beat_schedule.values() if entry["task"] == name]
    options: dict[str, Any] = sent_by_beat[0].get("options", {}) if sent_by_beat else {}
    monkeypatch.setattr(app.tasks[name], "typing", False)  # whatever its arguments are called
    app.tasks[name].apply_async(args=("sale",), **options)
    app.send_task(name, args=("sale",))
    queue = app.amqp.router.route({}, name)["queue"].name
    lines = broker_client.eval("return redis.call('LRANGE', KEYS[1], 0, -1)", 1, PREFIX + queue)
    assert len(lines) == 2
    assert [shape_fault(json.loads(line)) for line in lines] == ["", ""]


def test_what_is_no_task_reaches_its_reader(broker_client: Any) -> None:
    """An answer of a worker to `ping`, as `make run` and Flower wait for it."""
    got: list[Any] = []
    with app.connection_for_read() as connection:
        replies: Any = Exchange("reply.celery.pidbox", "direct")  # type: ignore[no-untyped-call]
        queue: Any = Queue("a.reply.celery.pidbox", replies, "a")  # type: ignore[no-untyped-call]
        connection = cast(Any, connection)
        with connection.Consumer([queue], callbacks=[lambda body, message: got.append(body)]):
            with connection.Producer() as producer:
                producer.publish({"one@host": {"ok": "pong"}}, exchange=queue.exchange,
                                 routing_key="a", declare=[queue])  # fmt: skip
            connection.drain_events(timeout=60)
    assert got == [{"one@host": {"ok": "pong"}}]


def test_the_test_above_knows_all_that_beat_sends() -> None:
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} < set(OURS)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_survives_every_line_and_stores_the_next_claim(
    open_campaign: CampaignMaker,
    child_environment: dict[str, str],
    broker_client: Any,
    tmp_path: Path,
) -> None:
    open_campaign()
    with services.start_worker(child_environment, tmp_path):
        for number, line in enumerate(LINES):  # each its own message, as far as it is one
            own = line.replace(b'"delivery_tag": "b"', b'"delivery_tag": "b%d"' % number)
            push(broker_client, own.replace(b'"id": "a"', b'"id": "a%d"' % number))
        Person("jun").claims()
        wait_until(Coupon.objects.exists)
        wait_until(lambda: queue_length(broker_client) == 0)
        Person("ann").claims()
        wait_until(lambda: Coupon.objects.count() == 2)
    log = (tmp_path / "worker.log").read_text()
    assert "a message on the broker is dropped" in log
    assert max(map(len, log.splitlines())) < 15_000
    assert log.count("celery@") < 5, "it was not started again by itself"


# Each line by itself, without a worker's processes: what kombu's channel makes of it


def read_one_line(connection: Any, line: bytes) -> None:
    channel: Any = connection.default_channel
    channel.basic_consume("celery", no_ack=False, callback=lambda _: None, consumer_tag="t")
    push(channel.client, line)
    channel.client.connection = channel.client.connection_pool.get_connection()
    channel._brpop_start()
    channel._brpop_read()


@pytest.mark.parametrize("number", range(len(LINES)))
def test_no_line_gets_through_the_guarded_channel_as_an_error(
    broker_client: Any, number: int
) -> None:
    with app.connection_for_read() as connection:
        read_one_line(connection, LINES[number])
    assert queue_length(broker_client) <= 1, "a good message goes back when nobody acknowledges it"


def test_negative_control_kombus_own_channel_raises(broker_client: Any) -> None:
    """In a worker, where nothing catches it, this ends the process."""
    raised = 0
    for line in LINES[:14]:
        with app.connection_for_read() as connection:
            assert type(connection.default_channel) is GuardedChannel
            channel: Any = connection.default_channel
            channel.basic_consume("celery", no_ack=False, callback=lambda _: None, consumer_tag="t")
            push(broker_client, line)
            channel.client.connection = channel.client.connection_pool.get_connection()
            channel._brpop_start()
            try:
                kombu_redis.Channel._brpop_read(channel)  # type: ignore[no-untyped-call]
            except (ValueError, KeyError, TypeError, RecursionError):
                raised += 1
    assert raised >= 10


def test_damaged_unacknowledged_messages_do_not_stop_their_restoration(broker_client: Any) -> None:
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        for number, line in enumerate((b"no JSON", b"[1]", b"[{}, null, null]")):
            keys = (f"{PREFIX}unacked", f"{PREFIX}unacked_index")
            broker_client.eval(
                "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]);"
                "redis.call('ZADD', KEYS[2], 1, ARGV[1])", 2, *keys, f"tag-{number}", line,
            )  # fmt: skip
        channel.qos.restore_visible(interval=1)
