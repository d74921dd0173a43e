"""A merchant's webhooks by the API: endpoints, secrets shown once, deliveries, tests, replays."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from standardwebhooks import Webhook

from coupons.broker import wakeups
from coupons.database import clock
from coupons.merchants import api_keys
from coupons.models import IdempotentCall, Merchant, OutboxMessage, WebhookDelivery, WebhookEndpoint
from coupons.webhooks import delivery, outbox, routing
from tests.conftest import Settings
from tests.harness.webhook_receiver import answer_status, webhook_receiver

pytestmark = pytest.mark.django_db
URL = "https://shop.example/hook"


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)


class Shop:
    """A merchant's backend with a key of the scope `webhooks`."""

    def __init__(self, slug: str, *scopes: str) -> None:
        self.merchant = Merchant.objects.create(slug=slug, name=slug)
        key = api_keys.make_key(self.merchant, name="backend", scopes=scopes or ["webhooks"])[1]
        self.client = Client(headers={"Authorization": f"Api-Key {key}"})

    def ask(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            f"/api/v1/merchant/webhooks{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )

    def create(self, url: str = URL, *types: str, **headers: str) -> Any:
        return self.ask("POST", "", {"url": url, "types": list(types)}, **headers)

    def tell(self, **data: Any) -> None:
        outbox.record_message(self.merchant.pk, "coupon.redeemed", data, clock.read_now())


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop("shop")


def deliver() -> int:
    return delivery.deliver_due(is_stopping=lambda: False, wake_another=lambda: None)


def test_the_secret_is_shown_at_creation_and_never_again(shop: Shop) -> None:
    made = shop.create(URL, "coupon.*")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert made.json()["types"] == ["coupon.*"]
    for answer in (shop.ask("GET", f"/{made.json()['id']}"), shop.ask("GET")):
        assert answer.status_code == 200
        assert "whsec_" not in answer.content.decode()


def test_a_repeated_creation_is_one_endpoint_and_stores_no_secret(shop: Shop) -> None:
    first, again = (shop.create(**{"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert WebhookEndpoint.objects.count() == 1
    assert "whsec_" not in IdempotentCall.objects.get().answer


def test_a_rehearsed_creation_shows_no_secret_and_leaves_nothing(shop: Shop) -> None:
    answer = shop.ask("POST", "?dry_run=1", {"url": URL})
    assert (answer.status_code, "secret" in answer.json()) == (201, False)
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"), ({"url": 5}, "url"), ({"url": "http://shop.example/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"), ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "https://a:b@shop.example/"}, "url"), ({"url": "x" * 3000}, "url"),
        ({"url": URL, "types": "coupon.*"}, "types"), ({"url": URL, "types": ["x"]}, "types"),
        ({"url": URL, "types": ["coupon.*", "coupon.*"]}, "types"),
        ({"url": URL, "types": [1]}, "types"), ({"url": URL, "secret": "mine"}, "secret"),
    ],
)  # fmt: skip
def test_bad_input_names_its_field(shop: Shop, body: Any, field: str) -> None:
    answer = shop.ask("POST", "", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not WebhookEndpoint.objects.exists()


def test_a_merchant_has_at_most_ten(shop: Shop) -> None:
    assert [shop.create().status_code for _ in range(11)] == [201] * 10 + [400]


def test_another_merchants_endpoint_is_absent(shop: Shop) -> None:
    id = Shop("other").create().json()["id"]
    for method, path in (
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test"),
        ("POST", "/replay"), ("POST", "/roll-secret"),
    ):  # fmt: skip
        answer = shop.ask(method, f"/{id}{path}", None if method == "GET" else {})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_webhook"), path
    assert shop.ask("GET").json() == {"results": []}
    assert WebhookEndpoint.objects.count() == 1


def test_the_scope_is_needed(db: None) -> None:
    shop = Shop("reader", "read", "redeem")
    assert shop.create().json()["code"] == "scope_missing"


def test_an_endpoint_is_changed_disabled_enabled_and_deleted(shop: Shop) -> None:
    id = shop.create().json()["id"]
    changed = shop.ask("PATCH", f"/{id}", {"url": "https://new.example/", "enabled": False})
    assert (changed.json()["url"], changed.json()["disabled_reason"]) == (
        "https://new.example/",
        "asked",
    )
    assert shop.ask("PATCH", f"/{id}", {"url": "http://127.0.0.1/"}).status_code == 400
    enabled = shop.ask("PATCH", f"/{id}", {"enabled": True, "types": ["campaign.*"]}).json()
    assert (enabled["enabled"], enabled["disabled_at"], enabled["types"]) == (
        True,
        None,
        ["campaign.*"],
    )
    shop.tell()
    routing.route_messages()
    assert shop.ask("DELETE", f"/{id}").status_code == 204
    assert shop.ask("GET", f"/{id}").status_code == 404


@pytest.fixture
def laptop(settings: Settings) -> None:
    settings.WEBHOOKS_PLAIN_HTTP = settings.WEBHOOKS_LOOPBACK = True


@pytest.mark.usefixtures("laptop")
@pytest.mark.django_db(transaction=True)
def test_a_rolled_secret_and_the_former_one_sign_until_the_overlap_ends(shop: Shop) -> None:
    with webhook_receiver() as receiver:
        made = shop.create(receiver.url).json()
        key = {"Idempotency-Key": "roll"}
        rolled = shop.ask("POST", f"/{made['id']}/roll-secret", {"overlap_s": 60}, **key).json()
        again = shop.ask("POST", f"/{made['id']}/roll-secret", {"overlap_s": 60}, **key).json()
        assert rolled == again
        assert rolled["secret"] != made["secret"]
        assert shop.ask("POST", f"/{made['id']}/test", {}).status_code == 202
        deliver()
    (request,) = receiver.received
    for secret in (made["secret"], rolled["secret"]):
        Webhook(secret).verify(request.body, request.headers)
    assert len(request.headers["webhook-signature"].split()) == 2


@pytest.mark.usefixtures("laptop")
@pytest.mark.django_db(transaction=True)
def test_deliveries_are_listed_without_what_the_receiver_answered(shop: Shop) -> None:
    with webhook_receiver(answer_status(500, body=b"instance-identity")) as receiver:
        id = shop.create(receiver.url).json()["id"]
        for number in range(5):
            shop.tell(number=number)
        deliver()
    answer = shop.ask("GET", f"/{id}/deliveries?limit=3")
    assert "instance-identity" not in answer.content.decode()
    page = answer.json()
    assert [row["state"] for row in page["results"]] == ["waiting"] * 3
    rest = shop.ask("GET", f"/{id}/deliveries?limit=3&before={page['next']}").json()
    assert (len(rest["results"]), rest["next"]) == (2, None)
    oldest = rest["results"][-1]
    assert (oldest["attempts"], oldest["last_status"], oldest["last_error"]) == (1, 500, "refused")
    assert len({row["id"] for row in page["results"] + rest["results"]}) == 5
    for wrong in ("limit=0", "limit=x", "before=0", "state=lost"):
        assert shop.ask("GET", f"/{id}/deliveries?{wrong}").status_code == 400


@pytest.mark.usefixtures("laptop")
@pytest.mark.django_db(transaction=True)
def test_complaint_62_events_are_replayed_with_the_same_id(shop: Shop) -> None:
    began = clock.read_now() - timedelta(seconds=1)
    with webhook_receiver() as receiver:
        for number in range(3):
            shop.tell(number=number)  # before there was an endpoint
        routing.route_messages()
        id = shop.create(receiver.url).json()["id"]
        shop.tell(number=3)
        while deliver():
            pass
        path = f"/{id}/replay?since={quote(began.isoformat())}"
        assert shop.ask("POST", path, {}).json()["code"] == "idempotency_key_missing"
        for _ in range(2):  # the second one is answered as the first
            answer = shop.ask("POST", path, {}, **{"Idempotency-Key": "again"})
        assert (answer.status_code, answer.json()) == (202, {"replayed": 4, "next_since": None})
        while deliver():
            pass
    numbers = [json.loads(request.body)["data"]["number"] for request in receiver.received]
    assert numbers == [3, 0, 1, 2, 3]
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert ids[0] == ids[4]
    assert WebhookDelivery.objects.count() == 4


@pytest.mark.parametrize(
    "since", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00Z", "9999-01-01T00:00:00Z"]
)
def test_a_replay_needs_a_moment_of_the_last_thirty_days(shop: Shop, since: str) -> None:
    id = shop.create().json()["id"]
    answer = shop.ask("POST", f"/{id}/replay?since={since}", {}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "since")


def test_a_long_replay_says_where_to_go_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coupons.webhooks.endpoints.MOST_REPLAYED", 2)
    id = shop.create().json()["id"]
    for number in range(3):
        shop.tell(number=number)
    routing.route_messages()
    first = OutboxMessage.objects.order_by("id")[0]
    OutboxMessage.objects.filter(pk=first.pk).update(at=first.at - timedelta(seconds=2))
    OutboxMessage.objects.filter(pk=first.pk + 1).update(at=first.at - timedelta(seconds=1))
    began = quote((first.at - timedelta(seconds=2)).isoformat())
    answer = shop.ask("POST", f"/{id}/replay?since={began}", {}, **{"Idempotency-Key": "k"})
    assert answer.json()["replayed"] == 2
    rest = quote(answer.json()["next_since"])
    answer = shop.ask("POST", f"/{id}/replay?since={rest}", {}, **{"Idempotency-Key": "l"})
    assert answer.json() == {"replayed": 1, "next_since": None}
