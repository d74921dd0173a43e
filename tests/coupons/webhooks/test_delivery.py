"""Deliveries to real receivers: once, in order, on schedule, one endpoint apart from the others."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from standardwebhooks import Webhook

from coupons.database import availability, clock
from coupons.models import (
    DeliveryState,
    Merchant,
    OutboxMessage,
    WebhookDelivery,
    WebhookEndpoint,
)
from coupons.webhooks import delivery, endpoints, routing, sender, signatures
from coupons.webhooks.sender import Attempt, Result
from tests.conftest import Settings
from tests.coupons.webhooks.conftest import EndpointMaker, deliver
from tests.harness.servers import free_port
from tests.harness.webhook_receiver import (
    OK,
    Received,
    answer_status,
    webhook_receiver,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]
Tell = Callable[..., None]


def make_due_now() -> None:
    WebhookDelivery.objects.update(due_at=clock.read_now())
    WebhookEndpoint.objects.update(paused_until=None)


def types_of(requests: list[Received]) -> list[str]:
    return [orjson.loads(request.body)["type"] for request in requests]


def test_an_event_arrives_signed_and_is_sent_once(make_endpoint: EndpointMaker, tell: Tell) -> None:
    with webhook_receiver() as receiver:
        endpoint = make_endpoint(receiver.url)
        tell("coupon.redeemed", coupon="4294967297", version=2, state="redeemed")
        assert deliver() == 1
        assert deliver() == 0
    (request,) = receiver.received
    secret = signatures.endpoint_secret(endpoint)
    verified: Any = Webhook(secret).verify(request.body, request.headers)
    assert verified["data"] == {"coupon": "4294967297", "version": 2, "state": "redeemed"}
    assert (verified["type"], verified["timestamp"][-1]) == ("coupon.redeemed", "Z")
    message = OutboxMessage.objects.get()
    assert request.headers["webhook-id"] == str(message.message_id)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.last_status) == ("delivered", 1, 204)
    assert WebhookEndpoint.objects.get().busy_until is None


def test_complaint_60_nothing_is_told_of_what_was_rolled_back(
    make_endpoint: EndpointMaker, tell: Tell, sent_wakeups: list[str]
) -> None:
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tell()
            raise ZeroDivisionError
        deliver()
        assert receiver.received == []
        assert sent_wakeups == []
        with transaction.atomic():
            tell()
            assert sent_wakeups == []  # never before the commit: the receiver would find nothing
        assert len(sent_wakeups) == 1


def test_complaint_58_one_event_is_one_delivery_per_endpoint_that_wants_it(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver() as every, webhook_receiver() as some, webhook_receiver() as other:
        make_endpoint(every.url)
        make_endpoint(some.url, "coupon.*", "campaign.closed")
        make_endpoint(
            other.url, merchant=Merchant.objects.create(slug="other", name="Another shop")
        )
        for type in ("coupon.redeemed", "campaign.opened", "campaign.closed"):
            tell(type)
        while deliver():
            pass
        routing.route_messages()
    assert types_of(every.received) == ["coupon.redeemed", "campaign.opened", "campaign.closed"]
    assert types_of(some.received) == ["coupon.redeemed", "campaign.closed"]
    assert other.received == []


def test_events_of_an_endpoint_arrive_in_their_order(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        for number in range(60):
            tell(number=number)
        while deliver():
            pass
    numbers = [orjson.loads(request.body)["data"]["number"] for request in receiver.received]
    assert numbers == list(range(60))


def test_failures_follow_the_schedule_and_then_disable_the_endpoint(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    waits = []
    with webhook_receiver(answer_status(500, body=b"<script>")) as receiver:
        make_endpoint(receiver.url)
        tell()
        for _ in range(delivery.MOST_ATTEMPTS):
            make_due_now()
            assert deliver() == 1
            row = WebhookDelivery.objects.get()
            assert row.last_at is not None
            waits.append(row.due_at - row.last_at)
        make_due_now()
        assert deliver() == 0
    minutes, hours = timedelta(minutes=1), timedelta(hours=1)
    assert waits[:-1] == [
        timedelta(seconds=5), 5 * minutes, 30 * minutes,
        2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours,
    ]  # fmt: skip
    assert (row.state, row.attempts, row.last_error) == ("failed", 10, "refused")
    assert bytes(row.answer or b"") == b"<script>"
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "attempts: 500")
    assert endpoint.disabled_at is not None
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    stamps = {request.headers["webhook-timestamp"] for request in receiver.received}
    assert all(stamp.isdigit() for stamp in stamps)


def test_a_receiver_that_is_gone_disables_its_endpoint_at_once(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver(answer_status(410)) as receiver:
        make_endpoint(receiver.url)
        tell(number=1)
        tell(number=2)
        deliver()
        deliver()
    assert len(receiver.received) == 1
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "gone: 410")


def test_complaint_62_a_disabled_endpoint_collects_and_gets_all_of_it_later(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver() as receiver:
        endpoint = make_endpoint(receiver.url)
        endpoints.change_endpoint(endpoint, enabled=False)
        for number in range(3):
            tell(number=number)
        assert deliver() == 0
        assert WebhookDelivery.objects.filter(state=DeliveryState.WAITING).count() == 3
        endpoints.change_endpoint(endpoint, enabled=True)
        assert deliver() == 3
    assert len(receiver.received) == 3


@pytest.mark.parametrize(
    ("header", "wait_s"), [("120", 120), ("1", 5), ("999999999", 86_400), ("soon", 5)]
)
def test_a_receiver_may_ask_for_more_time_than_the_schedule_gives(
    make_endpoint: EndpointMaker, tell: Tell, header: str, wait_s: int
) -> None:
    with webhook_receiver(answer_status(503, f"Retry-After: {header}")) as receiver:
        make_endpoint(receiver.url)
        tell()
        deliver()
    row = WebhookDelivery.objects.get()
    assert row.last_at is not None
    assert row.due_at - row.last_at == timedelta(seconds=wait_s)


def test_after_a_failure_the_endpoint_rests_and_then_goes_on_with_the_others(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver(answer_status(500)) as receiver:
        endpoint = make_endpoint(receiver.url)
        for number in range(3):
            tell(number=number)
        assert deliver() == 1
        assert deliver() == 0  # it rests
        receiver.behaviour = answer_status(200)
        WebhookEndpoint.objects.update(paused_until=None)
        assert deliver() == 2  # the first one is not due yet
        endpoint.refresh_from_db()
        assert (endpoint.failures, endpoint.paused_until) == (0, None)
        make_due_now()
        assert deliver() == 1
    numbers = [orjson.loads(request.body)["data"]["number"] for request in receiver.received]
    assert numbers == [0, 1, 2, 0]


def test_two_senders_never_send_to_one_endpoint_at_once(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        tell()
        routing.route_messages()
        first, others = delivery.take_endpoint()
        assert first is not None
        assert not others
        assert delivery.take_endpoint() == (None, False)
        assert deliver() == 0
        WebhookEndpoint.objects.update(busy_until=clock.read_now())  # the first one has died
        assert deliver() == 1


def test_a_sender_that_was_stalled_beyond_its_lease_writes_nothing(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        tell()
        routing.route_messages()
        stalled, _ = delivery.take_endpoint()
        assert stalled is not None
        row = WebhookDelivery.objects.select_related("message").get()
        WebhookEndpoint.objects.update(busy_until=clock.read_now() - timedelta(seconds=1))
        assert deliver() == 1
        failed = Attempt(Result.REFUSED, status=500)
        assert delivery.record_attempt(stalled, row, failed) is None
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED
    assert WebhookEndpoint.objects.get().failures == 0


def test_endpoints_that_fail_leave_room_for_those_that_answer(
    make_endpoint: EndpointMaker, shop: Merchant, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_SUSPECTS", 2)
    dead = f"http://127.0.0.1:{free_port()}/"
    for _ in range(4):
        make_endpoint(dead)
    WebhookEndpoint.objects.update(is_suspect=True)
    with webhook_receiver() as receiver:
        healthy = make_endpoint(receiver.url)
        tell()
        routing.route_messages()
        taken = [delivery.take_endpoint()[0] for _ in range(6)]
    assert taken[0] is not None
    assert taken[0].endpoint.pk == healthy.pk  # those that answer come first
    assert sum(lease is not None for lease in taken) == 3  # and two of the others at a time


def test_an_endpoint_that_answers_slowly_shares_the_threads_of_those_that_fail(
    make_endpoint: EndpointMaker, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a few that take nearly the whole time of an attempt would keep all threads."""
    monkeypatch.setattr(delivery, "SLOW_MS", 1500)
    suspected = []

    def answer_slowly(connected: Any, _request: Received) -> None:
        threading.Event().wait(2)
        connected.sendall(OK)

    with webhook_receiver(answer_slowly) as receiver:
        make_endpoint(receiver.url)
        for behaviour in (answer_slowly, answer_status(204), answer_status(500)):
            receiver.behaviour = behaviour
            tell()
            assert deliver() == 1
            suspected.append(WebhookEndpoint.objects.get().is_suspect)
    assert suspected == [True, False, True]


def test_each_sender_wakes_another_while_further_endpoints_wait(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    woken = []
    with webhook_receiver() as receiver:
        for _ in range(3):
            make_endpoint(receiver.url)
        tell()
        delivery.deliver_due(is_stopping=lambda: False, wake_another=lambda: woken.append(1))
    assert len(woken) == 2
    assert len(receiver.received) == 3


def test_no_connection_is_kept_while_an_answer_is_awaited(
    make_endpoint: EndpointMaker, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, post = [], sender.post_message

    def post_and_look(*arguments: Any) -> Attempt:
        seen.append(connection.connection)
        return post(*arguments)

    monkeypatch.setattr(sender, "post_message", post_and_look)
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        tell()
        deliver()
    assert seen == [None]


def test_what_was_sent_is_written_down_when_the_database_is_back_within_seconds(
    make_endpoint: EndpointMaker, tell: Tell
) -> None:
    """Else it would be sent again. All of this process's slots at the database are taken when the
    answer comes."""
    slots = availability._limits.current.slots

    def answer_late(connected: Any, _request: Received) -> None:
        taken = 0
        while slots.acquire(timeout=0.01):
            taken += 1
        threading.Timer(0.6, slots.release, args=(taken,)).start()
        connected.sendall(OK)

    with webhook_receiver(answer_late) as receiver:
        make_endpoint(receiver.url)
        tell()
        assert deliver() == 1
    assert len(receiver.received) == 1
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED


def test_a_missing_master_key_is_an_attempt_that_failed(
    make_endpoint: EndpointMaker, tell: Tell, settings: Settings
) -> None:
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        tell()
        settings.COUPON_KEYS = {"another": b"k" * 32}
        assert deliver() == 1
    assert receiver.received == []
    assert WebhookDelivery.objects.get().last_error == "unsigned"


def test_an_address_that_has_become_private_is_refused_at_delivery(
    make_endpoint: EndpointMaker, tell: Tell, settings: Settings
) -> None:
    """Complaint 65: what was checked at registration only may resolve otherwise by then."""
    with webhook_receiver() as receiver:
        make_endpoint(receiver.url)
        settings.WEBHOOKS_LOOPBACK = False
        tell()
        deliver()
    assert receiver.connections == 0
    assert WebhookDelivery.objects.get().last_error == "forbidden"


def test_an_endpoint_that_hangs_keeps_nobody_else(make_endpoint: EndpointMaker, tell: Tell) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time")
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(*_: Any) -> None:
        hangs.set()
        goes_on.wait(60)

    with webhook_receiver(hang) as dead, webhook_receiver() as receiver:
        make_endpoint(dead.url)
        tell()
        sending = threading.Thread(target=deliver)
        sending.start()
        assert hangs.wait(60)
        make_endpoint(receiver.url)
        tell()
        assert deliver() == 1  # the dead one's is still being sent
        assert sending.is_alive()
        goes_on.set()
        sending.join(60)
    assert len(receiver.received) == 1
