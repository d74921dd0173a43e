"""From the outbox to deliveries, and their end after thirty days."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from coupons.models import OutboxMessage, WebhookDelivery
from coupons.webhooks import events, outbox, routing
from coupons.webhooks.events import matches_type
from tests.coupons.webhooks.conftest import EndpointMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


@pytest.mark.parametrize(
    ("patterns", "type", "expected"),
    [
        ([], "coupon.redeemed", True),
        (["coupon.*"], "coupon.redeemed", True),
        (["coupon.*"], "campaign.opened", False),
        (["coupon.redeemed"], "coupon.redeemed", True),
        (["coupon.redeemed"], "coupon.reserved", False),
        (["campaign.*", "coupon.revoked"], "coupon.revoked", True),
    ],
)
def test_patterns_choose_the_events(patterns: list[str], type: str, expected: bool) -> None:
    assert matches_type(patterns, type) is expected


def test_events_before_an_endpoint_are_not_its_own(
    make_endpoint: EndpointMaker, tell: Callable[..., None]
) -> None:
    tell()
    assert routing.route_messages() == 1
    make_endpoint("http://127.0.0.1:9000/")
    tell()
    assert routing.route_messages() == 1
    assert WebhookDelivery.objects.count() == 1
    assert routing.route_messages() == 0


def test_more_than_a_batch_is_routed_in_order(
    make_endpoint: EndpointMaker, tell: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "BATCH", 7)
    make_endpoint("http://127.0.0.1:9000/")
    for _ in range(20):
        tell()
    assert routing.route_messages() == 20
    rows = WebhookDelivery.objects.order_by("due_at", "message_id")
    assert list(rows.values_list("message_id", flat=True)) == list(
        OutboxMessage.objects.order_by("id").values_list("id", flat=True)
    )


def test_a_campaign_of_the_site_itself_has_nobody_to_tell() -> None:
    outbox.record_messages(None, events.OPENED, [{}], None)  # type: ignore[arg-type]
    assert not OutboxMessage.objects.exists()


def test_after_thirty_days_events_and_deliveries_are_removed_in_batches(
    make_endpoint: EndpointMaker, tell: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "BATCH", 2)
    make_endpoint("http://127.0.0.1:9000/")
    for _ in range(3):
        tell(ago_s=timedelta(days=30, seconds=5).total_seconds())
    tell(ago_s=timedelta(days=29).total_seconds())
    routing.route_messages()
    assert [routing.remove_old_messages() for _ in range(3)] == [2, 1, 0]
    assert OutboxMessage.objects.count() == WebhookDelivery.objects.count() == 1


def test_wakeups_of_one_process_are_bounded(
    tell: Callable[..., None], sent_wakeups: list[str]
) -> None:
    for _ in range(20):
        tell()
    assert len(sent_wakeups) == 1
