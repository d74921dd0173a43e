"""Webhooks in the admin: how endpoints fare, enabling, testing, replaying; answers of strangers."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from coupons.broker import wakeups
from coupons.database import clock
from coupons.models import Merchant, OutboxMessage, WebhookDelivery, WebhookEndpoint
from coupons.webhooks import endpoints, outbox, routing, signatures


@pytest.fixture
def endpoint(db: None, monkeypatch: pytest.MonkeyPatch) -> WebhookEndpoint:
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)
    shop = Merchant.objects.create(slug="shop", name="The shop")
    return endpoints.create_endpoint(shop.pk, url="https://shop.example/hook", types=[])


def page_of(endpoint: WebhookEndpoint) -> str:
    return reverse("admin:coupons_webhookendpoint_change", args=[endpoint.pk])


def do(client: Client, endpoint: WebhookEndpoint, verb: str, **given: str) -> Any:
    url = reverse("admin:coupons_webhookendpoint_do", args=[endpoint.pk, verb])
    return client.post(url, given, follow=True)


def tell(endpoint: WebhookEndpoint) -> None:
    outbox.record_message(endpoint.merchant_id, "coupon.redeemed", {"n": 1}, clock.read_now())
    routing.route_messages()


def test_no_page_shows_the_secret(operator_client: Client, endpoint: WebhookEndpoint) -> None:
    secret = signatures.endpoint_secret(endpoint)
    for page in ("/admin/coupons/webhookendpoint/", page_of(endpoint), "/admin/"):
        answer = operator_client.get(page)
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
        assert "whsec_" not in answer.content.decode()


def test_complaint_63_a_disabled_endpoint_says_why_and_is_enabled_again(
    operator_client: Client, endpoint: WebhookEndpoint
) -> None:
    WebhookEndpoint.objects.update(
        is_enabled=False, disabled_reason="attempts: 503", disabled_at=clock.read_now()
    )
    assert "503" in operator_client.get(page_of(endpoint)).content.decode()
    assert "503" in operator_client.get("/admin/coupons/webhookendpoint/").content.decode()
    do(operator_client, endpoint, "enable")
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (True, "")
    do(operator_client, endpoint, "disable")
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "asked")


def test_a_test_event_and_a_replay(operator_client: Client, endpoint: WebhookEndpoint) -> None:
    tell(endpoint)
    WebhookDelivery.objects.update(state="delivered", attempts=3)
    do(operator_client, endpoint, "test")
    assert OutboxMessage.objects.filter(type="webhook.test").count() == 1
    do(operator_client, endpoint, "replay", hours="2")
    row = WebhookDelivery.objects.get(message__type="coupon.redeemed")
    assert (row.state, row.attempts) == ("waiting", 0)
    for wrong in ("", "0", "720", "x"):
        do(operator_client, endpoint, "replay", hours=wrong)
    assert row.due_at <= clock.read_now() + timedelta(seconds=1)


def test_what_a_receiver_answered_is_shown_as_the_text_of_its_bytes(
    operator_client: Client, endpoint: WebhookEndpoint
) -> None:
    tell(endpoint)
    WebhookDelivery.objects.update(
        answer=b"<script>alert(1)</script>\x00\x1b[31m\xe2\x80\xae", last_status=500
    )
    page = reverse("admin:coupons_webhookdelivery_change", args=[WebhookDelivery.objects.get().pk])
    text = operator_client.get(page).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "\x1b" not in text
    assert "\\xe2\\x80\\xae" in text
    listed = operator_client.get(
        f"/admin/coupons/webhookdelivery/?endpoint__id__exact={endpoint.pk}"
    )
    assert listed.status_code == 200
    assert "coupon.redeemed" in listed.content.decode()


def test_who_may_only_read_changes_nothing(endpoint: WebhookEndpoint) -> None:
    theo = User.objects.create_user("theo", is_staff=True)
    theo.user_permissions.add(Permission.objects.get(codename="view_webhookendpoint"))
    client = Client()
    client.force_login(theo)
    assert client.get(page_of(endpoint)).status_code == 200
    assert do(client, endpoint, "disable").status_code == 403
    assert WebhookEndpoint.objects.get().is_enabled


def test_a_button_asked_for_by_get_does_nothing(
    operator_client: Client, endpoint: WebhookEndpoint
) -> None:
    url = reverse("admin:coupons_webhookendpoint_do", args=[endpoint.pk, "disable"])
    operator_client.get(url)
    assert WebhookEndpoint.objects.get().is_enabled
