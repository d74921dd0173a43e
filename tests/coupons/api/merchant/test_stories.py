"""Several merchants on one site: whatever one asks about another's is answered as if it did not
exist, byte by byte. Ann, Bob, Jun and Mina are the users of both shops."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from coupons.api.merchant import urls
from coupons.claims import coupon_codes
from coupons.issuing import drain
from coupons.models import Coupon, CouponEvent, CouponLife, Job, WebhookEndpoint
from tests.conftest import Person
from tests.coupons.api.merchant.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)

USERS = ("ann", "bob", "jun", "mina")
Answer = tuple[int, bytes]


def open_lunch(shop: Shop, slug: str) -> None:
    now = timezone.now()
    opens, closes = now - timedelta(seconds=1), now + timedelta(hours=1)
    drafted = shop.post("campaigns", {
        "slug": slug, "name": "Lunch", "stock": 10, "opens_at": opens.isoformat(),
        "closes_at": closes.isoformat(), "discount_value": "10", "minimum_order": "1000",
        "valid_days": 30,
    })  # fmt: skip
    assert drafted.status_code == 201
    assert shop.post(f"campaigns/{slug}/schedule", if_match="*").status_code == 200
    for name in USERS:
        assert Person(name).claims(slug).status_code == 202
    drain.drain(slug, consumer="test")


def code_of(slug: str, user: str) -> str:
    return str(Coupon.objects.get(campaign__slug=slug, user=user).code)


def order(code: str, ref: str) -> dict[str, Any]:
    return {"code": code, "subtotal": "20000", "currency": "KRW", "order_ref": ref}


@pytest.fixture
def books() -> Shop:
    """A shop with a campaign, coupons in every state, a job and a webhook."""
    shop = Shop("books")
    open_lunch(shop, "lunch")
    return shop


@pytest.fixture
def bakery(books: Shop) -> Shop:
    return Shop("bakery")


@pytest.fixture
def known(books: Shop) -> dict[str, Any]:
    """Names and ids of what belongs to the book shop."""
    held = books.post("reservations", order(code_of("lunch", "ann"), "1")).json()["id"]
    redeemed = books.post("redemptions", order(code_of("lunch", "bob"), "2")).json()["id"]
    revocation = {"code": code_of("lunch", "jun"), "reason": "fraud"}
    assert books.post("coupons/revoke", revocation).status_code == 200
    granted = books.client.generic(
        "POST", "/api/v1/merchant/campaigns/lunch/grants", "user\nsora\n", "text/csv",
        headers={"Idempotency-Key": "grants"},
    )  # fmt: skip
    assert granted.status_code == 202
    hook = books.post("webhooks", {"url": "https://hooks.example.com/books"})
    assert hook.status_code == 201, hook.content
    revoked = Coupon.objects.get(campaign__slug="lunch", user="jun").pk
    return {
        "slug": "lunch", "code": code_of("lunch", "mina"), "reservation": held,
        "redemption": redeemed, "coupon": revoked, "job": str(Job.objects.get().pk),
        "webhook": hook.json()["id"],
    }  # fmt: skip


@pytest.fixture
def absent(known: dict[str, Any]) -> dict[str, Any]:
    """The same, of nobody."""
    unknown = {name: str(uuid4()) for name in ("reservation", "redemption", "job", "webhook")}
    return unknown | {"slug": "nosuch", "coupon": 2**40, "code": unused_code()}


def unused_code() -> str:
    """Well-formed, and of no coupon."""
    body = "0" * 15
    for symbol in coupon_codes.ALPHABET:
        if coupon_codes.normalise_code(body + symbol):
            return body + symbol
    raise AssertionError("no check symbol fits")


def questions(of: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Every request about something that has an owner: method, path, body."""
    cart = order(of["code"], "order-9")
    yield "POST", "quotes", cart
    yield "POST", "reservations", cart
    yield "POST", "redemptions", cart
    yield "POST", "coupons/lookup", {"code": of["code"]}
    yield "POST", "coupons/lookup", {"user": "mina", "campaign": of["slug"]}
    yield "POST", "coupons/revoke", {"code": of["code"], "reason": "fraud"}
    yield "POST", f"coupons/{of['coupon']}/undo-revoke", {"reason": "mistake"}
    yield "POST", f"reservations/{of['reservation']}/renew", {"seconds": 600}
    yield "DELETE", f"reservations/{of['reservation']}", None
    redemption = f"redemptions/{of['redemption']}"
    yield "GET", redemption, None
    yield "POST", f"{redemption}/cancel", {"cause": "customer"}
    yield "POST", f"{redemption}/return-quote", {"remaining_subtotal": "1000"}
    yield "GET", f"jobs/{of['job']}", None
    yield "GET", f"jobs/{of['job']}/lines", None
    hook = f"webhooks/{of['webhook']}"
    yield "GET", hook, None
    yield "PATCH", hook, {"enabled": False}
    yield "GET", f"{hook}/deliveries", None
    yield "POST", f"{hook}/replay?since=2026-01-01T00:00:00Z", None
    yield "POST", f"{hook}/test", None
    yield "POST", f"{hook}/roll-secret", {}
    yield "DELETE", hook, None
    campaign = f"campaigns/{of['slug']}"
    yield "GET", campaign, None
    yield "PATCH", campaign, {"closes_at": "2027-01-01"}
    for step in ("schedule", "pause", "resume", "close"):
        yield "POST", f"{campaign}/{step}", None
    window = {"opens_at": "2027-01-01T00:00:00Z", "closes_at": "2027-01-02"}
    yield "POST", f"{campaign}/clone", {"slug": "copy", **window}
    yield "PUT", f"{campaign}/stock", {"stock": 5}
    yield "POST", f"{campaign}/grants", [{"user": "mina"}]
    yield "POST", f"{campaign}/revocations?reason=fraud", [{"user": "mina"}]
    yield "GET", f"{campaign}/coupons", None
    yield "GET", f"users/mina/attempts?campaign={of['slug']}", None


def ask(shop: Shop, method: str, path: str, body: Any) -> Answer:
    headers = {"if_match": "*", "idempotency_key": uuid4().hex}
    if isinstance(body, list):  # JSON lines
        lines = "".join(json.dumps(line) + "\n" for line in body)
        answer: Any = shop.client.generic(
            method, f"/api/v1/merchant/{path}", lines, "application/jsonl",
            headers={"Idempotency-Key": headers["idempotency_key"]},
        )  # fmt: skip
    else:
        answer = shop.send(method, path, body, **headers)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, content


def everything() -> list[Any]:
    kinds: list[Any] = [CouponLife, CouponEvent, Job, WebhookEndpoint]
    return [list(kind.objects.order_by("pk").values()) for kind in kinds]


def test_every_path_with_an_owner_is_asked() -> None:
    """A new path fails here until it has its question."""
    parts = {name: f"<{name}>" for name in
             ("slug", "code", "reservation", "redemption", "coupon", "job", "webhook")}  # fmt: skip
    asked = {path.partition("?")[0] for _, path, _ in questions(parts)}
    shape = {len(path.split("/")): set[str]() for path in asked}
    for path in asked:
        words = [word for word in path.split("/") if not word.startswith("<") and word != "mina"]
        shape[len(path.split("/"))].add("/".join(words))
    for pattern in urls.urlpatterns:
        route = str(pattern.pattern)
        words = [word for word in route.split("/") if not word.startswith("<")]
        is_list = route in ("campaigns", "webhooks")
        assert is_list or "/".join(words) in shape[len(route.split("/"))], route


def test_another_merchants_things_are_answered_as_absent(
    bakery: Shop, known: dict[str, Any], absent: dict[str, Any]
) -> None:
    before = everything()
    for theirs, nobodys in zip(questions(known), questions(absent), strict=True):
        answer = ask(bakery, *theirs)
        assert answer[0] == 404, (theirs[:2], answer)
        assert answer == ask(bakery, *nobodys), theirs[:2]
    assert everything() == before


def test_control_their_owner_is_answered(books: Shop, known: dict[str, Any]) -> None:
    reading = [one for one in questions(known) if one[0] == "GET" or one[1] == "coupons/lookup"]
    assert {ask(books, *question)[0] for question in reading} == {200}


def test_lists_hold_only_what_is_ones_own(bakery: Shop, known: dict[str, Any]) -> None:
    open_lunch(bakery, "bread")
    assert [row["slug"] for row in bakery.get("campaigns").json()["results"]] == ["bread"]
    assert bakery.get("webhooks").json()["results"] == []
    exported = ask(bakery, "GET", "campaigns/bread/coupons", None)[1].splitlines()
    assert len(exported) == len(USERS) + 1
    own = bakery.post("quotes", order(code_of("bread", "ann"), "1"))
    assert own.json()["campaign"] == "bread"


def test_an_order_number_is_the_merchants_own(
    books: Shop, bakery: Shop, known: dict[str, Any]
) -> None:
    """Both may use order 2, and an Idempotency-Key that the other has used."""
    open_lunch(bakery, "bread")
    body = order(code_of("bread", "bob"), "2")
    first = bakery.post("redemptions", body, idempotency_key="same")
    books.post("redemptions", order(known["code"], "3"), idempotency_key="same")
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first
    assert bakery.get(f"redemptions/{first.json()['id']}").status_code == 200
    assert books.get(f"redemptions/{first.json()['id']}").status_code == 404
