"""A shop's backend: a client that calls the merchants' API with a key."""

from typing import Any

import pytest
from django.test import Client

from coupons.merchants import api_keys
from coupons.models import Coupon, Merchant, Scope
from tests.conftest import CampaignMaker
from tests.coupons.redemption.conftest import make_sale, won_by

BASE = "/api/v1/merchant"


class Backend:
    """Calls as one merchant. `scopes`: all by default."""

    def __init__(self, merchant: Merchant, scopes: tuple[str, ...] = tuple(Scope.values)) -> None:
        self.merchant = merchant
        _, text = api_keys.make_key(merchant, name="checkout", scopes=scopes)
        self.client = Client(headers={"Authorization": f"Api-Key {text}"})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"{BASE}/{path}", body or {}, content_type="application/json", headers=headers
        )

    def get(self, path: str) -> Any:
        return self.client.get(f"{BASE}/{path}")

    def delete(self, path: str) -> Any:
        return self.client.delete(f"{BASE}/{path}")


@pytest.fixture
def backend(db: None) -> Backend:
    return Backend(Merchant.objects.create(slug="books", name="Books"))


@pytest.fixture
def coupon(open_campaign: CampaignMaker, backend: Backend) -> Coupon:
    """Ann's: 10 %, at most 5,000 won, from 10,000 won on."""
    return won_by(make_sale(open_campaign, backend.merchant))


def order(coupon: Coupon, ref: str | None = "order-1", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"code": coupon.code, "subtotal": "20000", "currency": "KRW"}
    return body | ({"order_ref": ref} if ref else {}) | more
