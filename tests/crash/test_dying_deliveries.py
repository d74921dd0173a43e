"""A process that dies between any two lines of a delivery loses no event; what is sent twice has
the same webhook-id."""

import subprocess
import sys

import orjson
import pytest

from coupons.broker import wakeups
from coupons.database import clock
from coupons.models import Merchant, OutboxMessage, WebhookDelivery, WebhookEndpoint
from coupons.webhooks import delivery, endpoints, outbox
from tests.conftest import Settings
from tests.harness.webhook_receiver import Receiver, webhook_receiver

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]
EVENTS = 5


@pytest.fixture(autouse=True)
def laptop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_PLAIN_HTTP = settings.WEBHOOKS_LOOPBACK = True
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)


def tell_shop(receiver: Receiver) -> None:
    shop = Merchant.objects.create(slug="shop", name="The shop")
    endpoints.create_endpoint(shop.pk, url=receiver.url, types=[])
    for number in range(EVENTS):
        outbox.record_message(shop.pk, "coupon.redeemed", {"number": number}, clock.read_now())


def deliver_in_a_process(environment: dict[str, str], point: str) -> int:
    command = [sys.executable, "-m", "tests.crash.deliverer", point]
    allowed = {"WEBHOOKS_PLAIN_HTTP": "yes", "WEBHOOKS_LOOPBACK": "yes"}
    return subprocess.run(
        command, env=environment | allowed, timeout=300, check=False, stdout=subprocess.DEVNULL
    ).returncode


def deliver_after_the_lease() -> None:
    """What the next sender does when the dead one's lease has ended."""
    WebhookEndpoint.objects.update(busy_until=None)
    while delivery.deliver_due(is_stopping=lambda: False, wake_another=lambda: None):
        pass


@pytest.mark.parametrize(
    ("point", "sent_by_the_dead", "sent_twice"),
    [
        ("before:route", 0, 0),
        ("before:route-commit", 0, 0),
        ("after:route", 0, 0),
        ("after:take", 0, 0),
        ("before:send", 0, 0),
        ("after:send", 1, 1),  # the receiver has it, and nobody has written that down
        ("before:record-write", 1, 1),
        ("after:record", 1, 0),
        ("before:release", EVENTS, 0),
    ],
)
def test_a_sender_that_dies_loses_nothing(
    child_environment: dict[str, str], point: str, sent_by_the_dead: int, sent_twice: int
) -> None:
    with webhook_receiver() as receiver:
        tell_shop(receiver)
        assert deliver_in_a_process(child_environment, point) == 137
        assert len(receiver.received) == sent_by_the_dead
        deliver_after_the_lease()
    ids = [request.headers["webhook-id"] for request in receiver.received]
    numbers = {orjson.loads(request.body)["data"]["number"] for request in receiver.received}
    assert numbers == set(range(EVENTS))
    assert len(ids) == EVENTS + sent_twice
    assert set(ids) == {
        str(id) for id in OutboxMessage.objects.values_list("message_id", flat=True)
    }
    assert not WebhookDelivery.objects.exclude(state="delivered").exists()


def test_while_the_lease_of_the_dead_lasts_nobody_sends(child_environment: dict[str, str]) -> None:
    with webhook_receiver() as receiver:
        tell_shop(receiver)
        assert deliver_in_a_process(child_environment, "before:send") == 137
        assert delivery.deliver_due(is_stopping=lambda: False, wake_another=lambda: None) == 0


def test_a_sender_that_lives_sends_all(child_environment: dict[str, str]) -> None:
    with webhook_receiver() as receiver:
        tell_shop(receiver)
        assert deliver_in_a_process(child_environment, "nowhere") == 0
    assert len(receiver.received) == EVENTS


def test_negative_control_recording_before_sending_loses_an_event(
    child_environment: dict[str, str],
) -> None:
    with webhook_receiver() as receiver:
        tell_shop(receiver)
        assert deliver_in_a_process(child_environment, "recorded-first") == 137
        deliver_after_the_lease()
    assert len(receiver.received) == EVENTS - 1  # one is lost, which the right order prevents
