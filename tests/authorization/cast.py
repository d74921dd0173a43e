"""The cast of the authorization table, and the world in which they ask.

Ann has a coupon of the sale `lunch`, which the merchant `books` holds; everything that the table
asks about is hers or the book shop's.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from coupons.admin.rights import role_group
from coupons.campaigns import redis_clock
from coupons.issuing import drain
from coupons.models import Campaign, Coupon, Job, Scope
from tests.conftest import Person
from tests.coupons.api.merchant.shop import Shop

ROLES = ("viewer", "support", "operator", "approver")
SALE = "lunch"


@dataclass(frozen=True)
class World:
    """Who asks, by name in the order of the table's columns, and the ids of what is asked about."""

    cast: dict[str, Client]
    known: dict[str, Any]


def make_world() -> World:
    redis_clock.keep_measurement(0, 1)  # or the process does not know the time yet
    books, bakery = Shop("books"), Shop("bakery")
    without = Shop("books", scopes=[Scope.READ])
    _open_sale(books)
    ann, bob = Person("ann"), Person("bob")
    for person in (ann, Person("jun")):
        assert person.claims(SALE).status_code == 202
    drain.drain(SALE, consumer="test")
    operators = {role: _operator(role) for role in ROLES}
    cast = {
        "nobody": Client(), "ann": ann.client, "bob": bob.client, "books": books.client,
        "reading": without.client, "bakery": bakery.client, **operators,
    }  # fmt: skip
    return World(cast, _known(books))


def _operator(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(role_group(role))
    client = Client()
    client.force_login(user)
    return client


def _open_sale(shop: Shop) -> None:
    now = timezone.now()
    opens, closes = now - timedelta(seconds=1), now + timedelta(hours=1)
    drafted = shop.post("campaigns", {
        "slug": SALE, "name": "Lunch", "stock": 10, "opens_at": opens.isoformat(),
        "closes_at": closes.isoformat(), "discount_value": "10", "valid_days": 30,
    })  # fmt: skip
    assert drafted.status_code == 201, drafted.content
    assert shop.post(f"campaigns/{SALE}/schedule", if_match="*").status_code == 200


def _known(books: Shop) -> dict[str, Any]:
    coupon = Coupon.objects.get(campaign__slug=SALE, user="ann")
    cart = {"code": coupon.code, "subtotal": "20000", "currency": "KRW"}
    hook = books.post("webhooks", {"url": "https://hooks.example.com/books"})
    books.client.generic(
        "POST", f"/api/v1/merchant/campaigns/{SALE}/grants", "user\nsora\n", "text/csv",
        headers={"Idempotency-Key": "grants"},
    )  # fmt: skip
    held = books.post("reservations", cart | {"order_ref": "1"})
    of_jun = str(Coupon.objects.get(campaign__slug=SALE, user="jun").code)
    redeemed = books.post("redemptions", cart | {"code": of_jun, "order_ref": "2"})
    return {
        "slug": SALE, "code": coupon.code, "coupon": coupon.pk, "user": "ann",
        "campaign": Campaign.objects.get(slug=SALE).pk, "cart": cart,
        "reservation": held.json()["id"], "redemption": redeemed.json()["id"],
        "webhook": hook.json()["id"], "job": str(Job.objects.get().pk), "prefix": books.key.prefix,
        "operator": User.objects.get(username="viewer").pk, "merchant": books.merchant.pk,
        "group": role_group("viewer").pk,
    }  # fmt: skip
