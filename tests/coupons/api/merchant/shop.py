"""A shop's backend in tests: a merchant, a key with all scopes, a client that sends JSON."""

import itertools
import json
from typing import Any

from django.test import Client

from coupons.merchants import api_keys
from coupons.models import Merchant, Scope

_numbers = itertools.count(1)


class Shop:
    def __init__(self, slug: str, scopes: Any = Scope.values) -> None:
        self.merchant, _ = Merchant.objects.get_or_create(slug=slug, defaults={"name": slug})
        self.key, text = api_keys.make_key(self.merchant, name="backend", scopes=scopes)
        self.client = Client(headers={"Authorization": f"Api-Key {text}"})

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/merchant/{path}", headers=headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Header names in words: `if_match="*"`."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        content = b"" if body is None else json.dumps(body)
        address = f"/api/v1/merchant/{path}"
        return self.client.generic(method, address, content, "application/json", headers=named)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """With a new Idempotency-Key, unless one is given."""
        headers.setdefault("idempotency_key", f"key-{next(_numbers)}")
        return self.send("POST", path, body, **headers)
