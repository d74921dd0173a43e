"""The list of deliveries in a large table: pages without a gap, no count, no full scan."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from coupons.models import Merchant, OutboxMessage, WebhookDelivery, WebhookEndpoint
from tests.admin.test_many_coupons import rows_read

LIST = "/admin/coupons/webhookdelivery/"
PAGE = 50
EVENTS = 600  # each for two endpoints


def add_endpoint(merchant: Merchant, number: int) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        id=uuid.UUID(int=number),
        merchant=merchant,
        url=f"https://shop.example/{number}",
        key_id="1",
    )


@pytest.fixture
def many_deliveries(db: None) -> list[WebhookEndpoint]:
    """Two endpoints; every 200th delivery failed, the oldest ten wait."""
    shop, now = Merchant.objects.create(slug="shop", name="The shop"), timezone.now()
    endpoints = [add_endpoint(shop, number) for number in (1, 2)]
    messages = OutboxMessage.objects.bulk_create(
        OutboxMessage(message_id=uuid.uuid4(), merchant=shop, type="coupon.redeemed", at=now,
                      body={}, is_routed=True) for _ in range(EVENTS)
    )  # fmt: skip
    stored = OutboxMessage.objects.order_by("pk")[: len(messages)]
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(message=message, endpoint=endpoint, due_at=now, state=_state(number))
        for number, message in enumerate(stored)
        for endpoint in endpoints
    )
    return endpoints


def _state(number: int) -> str:
    if number < 5:
        return "waiting"
    return "failed" if number % 200 == 0 else "delivered"


def pages(client: Client, query: str) -> list[list[WebhookDelivery]]:
    """Every page from the newest to the oldest."""
    found = []
    while query:
        page = client.get(LIST + query).context["cl"]
        found.append(list(page.result_list))
        query = page.older
    return found


def test_pages_follow_each_other_without_a_gap_and_back(
    operator_client: Client, many_deliveries: list[WebhookEndpoint]
) -> None:
    endpoint = many_deliveries[0]
    for query, rows in (
        (f"?endpoint__id__exact={endpoint.pk}", endpoint.deliveries.all()),
        ("?state__exact=failed", WebhookDelivery.objects.filter(state="failed")),
        (f"?endpoint__id__exact={endpoint.pk}&state__exact=delivered",
         endpoint.deliveries.filter(state="delivered")),
    ):  # fmt: skip
        expected = list(rows.order_by("-pk").values_list("pk", flat=True))
        shown = pages(operator_client, query)
        assert [row.pk for page in shown for row in page] == expected, query
        assert all(len(page) == PAGE for page in shown[:-1])


def test_the_way_back_is_the_way_there(
    operator_client: Client, many_deliveries: list[WebhookEndpoint]
) -> None:
    query = f"?endpoint__id__exact={many_deliveries[1].pk}"
    first, second = pages(operator_client, query)[:2]
    back = operator_client.get(f"{LIST}{query}&after={second[0].pk}").context["cl"]
    assert [row.pk for row in back.result_list] == [row.pk for row in first]


@pytest.mark.django_db(transaction=True)
def test_no_filter_reads_more_than_a_page_of_a_large_table(
    operator_client: Client, many_deliveries: list[WebhookEndpoint]
) -> None:
    if connection.vendor != "mysql":
        pytest.skip("EXPLAIN and the server's own counters are MySQL's.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE coupons_webhookdelivery, coupons_outboxmessage")
        cursor.fetchall()
    mine = {"endpoint__id__exact": str(many_deliveries[0].pk)}
    middle = {"before": str(WebhookDelivery.objects.order_by("pk")[EVENTS].pk)}
    for asked in (
        {}, middle, {"state__exact": "failed"}, {"state__exact": "waiting"},
        {"state__exact": "delivered"} | middle, mine, mine | middle,
        mine | {"state__exact": "failed"}, mine | {"state__exact": "delivered"} | middle,
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as captured:
            assert operator_client.get(LIST, asked).status_code == 200
        statements = [query["sql"] for query in captured if "coupons_webhookdel" in query["sql"]]
        assert statements
        for statement in statements:
            assert "COUNT(" not in statement.upper(), asked
        # An endpoint's page is found in three states and windows of keys, and then read.
        assert rows_read(statements) <= 7 * (PAGE + 2) < EVENTS, asked


def test_an_endpoint_that_is_no_id_is_not_a_failure(
    operator_client: Client, many_deliveries: list[WebhookEndpoint]
) -> None:
    for value in ("x", "1", ""):
        answer: Any = operator_client.get(LIST, {"endpoint__id__exact": value}, follow=True)
        assert answer.status_code in (200, 400), value
