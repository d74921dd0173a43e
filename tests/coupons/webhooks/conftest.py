"""Fixtures: a merchant, endpoints at real receivers, and a turn of the sender."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from coupons.broker import wakeups
from coupons.database import clock
from coupons.models import Merchant, WebhookEndpoint
from coupons.webhooks import delivery, endpoints, outbox
from tests.conftest import Settings

EndpointMaker = Callable[..., WebhookEndpoint]


@pytest.fixture(autouse=True)
def laptop_rules(settings: Settings) -> None:
    settings.WEBHOOKS_PLAIN_HTTP = settings.WEBHOOKS_LOOPBACK = True


@pytest.fixture
def shop(db: None) -> Merchant:
    return Merchant.objects.create(slug="shop", name="The shop")


@pytest.fixture
def make_endpoint(shop: Merchant) -> EndpointMaker:
    def make(url: str, *types: str, merchant: Merchant = shop) -> WebhookEndpoint:
        return endpoints.create_endpoint(merchant.pk, url=url, types=types)

    return make


@pytest.fixture
def tell(shop: Merchant) -> Callable[..., None]:
    """Record an event: `tell("coupon.redeemed", coupon="1")`."""

    def record(type: str = "coupon.redeemed", *, ago_s: float = 0, **data: Any) -> None:
        at = clock.read_now() - timedelta(seconds=ago_s)
        outbox.record_message(shop.pk, type, data, at)

    return record


def deliver() -> int:
    """One turn of the sender. Returns how many attempts it made."""
    return delivery.deliver_due(is_stopping=lambda: False, wake_another=lambda: None)


@pytest.fixture(autouse=True)
def sent_wakeups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The wake-ups that would be sent to the webhooks' worker, in place of a broker."""
    sent = list[str]()

    def note() -> bool:
        sent.append(wakeups.DELIVER)
        return True

    monkeypatch.setattr(wakeups, "notify_delivery", note)
    return sent
