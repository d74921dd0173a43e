"""Gauges of webhooks: what waits, and which endpoints don't take it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from coupons.broker import wakeups
from coupons.database import clock
from coupons.models import Merchant, WebhookDelivery, WebhookEndpoint
from coupons.monitoring.webhook_collector import Webhooks, read_gauges
from coupons.observability import webhook_metrics
from coupons.webhooks import endpoints, outbox, routing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


@pytest.fixture(autouse=True)
def shop(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Merchant]:
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)
    yield Merchant.objects.create(slug="shop", name="The shop")


def tell(shop: Merchant, *, ago_s: int = 0) -> None:
    at = clock.read_now() - timedelta(seconds=ago_s)
    outbox.record_message(shop.pk, "coupon.redeemed", {}, at)


def test_nothing_waits_on_a_new_site() -> None:
    assert set(read_gauges().values()) == {0}
    assert {family.name for family in Webhooks().collect()} == {
        "coupon_webhooks_waiting",
        "coupon_webhooks_oldest_due_seconds",
        "coupon_webhooks_oldest_unrouted_seconds",
        "coupon_webhook_endpoints_failing",
        "coupon_webhook_endpoints_disabled",
    }


def test_what_waits_is_counted_and_dated_at_endpoints_that_answer(shop: Merchant) -> None:
    tell(shop, ago_s=90)
    assert 90 <= read_gauges()[webhook_metrics.UNROUTED] < 100
    endpoint = endpoints.create_endpoint(shop.pk, url="https://shop.example/", types=[])
    routing.route_messages()
    WebhookDelivery.objects.update(due_at=clock.read_now() - timedelta(seconds=70))
    gauges = read_gauges()
    assert gauges[webhook_metrics.UNROUTED] == 0
    assert gauges[webhook_metrics.WAITING] == 1
    assert 70 <= gauges[webhook_metrics.OLDEST] < 80
    WebhookEndpoint.objects.update(failures=1)
    gauges = read_gauges()
    assert (gauges[webhook_metrics.OLDEST], gauges[webhook_metrics.FAILING]) == (0, 1)
    endpoints.change_endpoint(endpoint, enabled=False)
    gauges = read_gauges()
    assert (gauges[webhook_metrics.WAITING], gauges[webhook_metrics.FAILING]) == (0, 0)


def test_complaint_63_an_endpoint_that_the_sender_disabled_raises_the_senders_alarm(
    shop: Merchant,
) -> None:
    endpoint = endpoints.create_endpoint(shop.pk, url="https://shop.example/", types=[])
    endpoints.change_endpoint(endpoint, enabled=False)
    assert read_gauges()[webhook_metrics.DISABLED] == 0  # the merchant asked for it
    WebhookEndpoint.objects.update(disabled_reason="gone: 410")
    assert read_gauges()[webhook_metrics.DISABLED] == 1
    WebhookEndpoint.objects.update(disabled_at=clock.read_now() - timedelta(days=8))
    assert read_gauges()[webhook_metrics.DISABLED] == 0
