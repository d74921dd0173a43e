"""Every place of every operation of both APIs takes odd values: none is answered by a 500."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.test import Client

from config import env
from coupons.claims.identifiers import make_uuid7
from coupons.identity import user_tokens
from coupons.issuing.drain import drain
from coupons.merchants import api_keys
from coupons.models import Campaign, Coupon, Job, Merchant, Scope, WebhookEndpoint
from tests.conftest import CampaignMaker, Person
from tests.contract.known_objects import odd_receipts
from tests.coupons.api.odd_values import ODD_BODIES, ODD_TEXTS, ODD_VALUES

DOCUMENT: dict[str, Any] = json.loads((env.BASE_DIR / "openapi.json").read_text())
Request = tuple[str, str, bytes]  # method, path with its query, body

_numbers = count()
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


@pytest.fixture
def caller(open_campaign: CampaignMaker, settings: Any) -> Any:
    settings.CLAIMS_PER_USER_PER_S = settings.REQUESTS_PER_KEY_PER_S = 0
    settings.UNKNOWN_CODES_PER_KEY_PER_MIN = 0
    merchant = Merchant.objects.create(slug="books", name="Books")
    open_campaign(merchant=merchant, waitlist_limit=10, may_give_back=True, per_user=2)
    Person("jun").claims()
    drain("sale", consumer="test")
    _, key = api_keys.make_key(merchant, name="all", scopes=Scope.values)
    WebhookEndpoint.objects.create(
        id=make_uuid7(), merchant=merchant, url="https://shop.example/", types=["*"], key_id="k1"
    )
    Job.objects.create(id=make_uuid7(), merchant=merchant, campaign=Campaign.objects.get(),
                       kind="grants", actor_kind="key", actor="k")  # fmt: skip
    client: Any = Client(raise_request_exception=False)
    client.merchants_key = f"Api-Key {key}"
    client.token = f"Bearer {user_tokens.mint_token('jun')}"
    return client


def known_values(path: str) -> dict[str, str]:
    """Of things that exist, so that the last check is reached."""
    coupon = Coupon.objects.get()
    kept = WebhookEndpoint if "/webhooks/" in path else Job if "/jobs/" in path else None
    known = str(kept.objects.get().pk) if kept else UNKNOWN_ID
    names = {"slug": "sale", "code": coupon.code, "id": known, "coupon": str(coupon.pk)}
    return names | {"user": "jun"}


def usual_request(path: str, operation: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Its path parameters and its body, as the description's example has it."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = [one["value"] for one in content.get("examples", {}).values()]
    body = examples[0] if examples else {}
    if "receipts" in path:
        body = {"receipt": "a.b.c"}
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
    known = known_values(path)
    return {name: known[name] for name in names}, body


def filled(path: str, names: dict[str, str], query: dict[str, str]) -> str:
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", quote(value, safe="", errors="surrogatepass"))
    asked = "&".join(
        f"{name}={quote(value, errors='surrogatepass')}" for name, value in query.items()
    )
    return f"{path}?{asked}" if asked else path


def odd_requests(method: str, path: str, operation: dict[str, Any]) -> Iterator[Request]:
    names, body = usual_request(path, operation)
    usual = orjson.dumps(body)
    for name in names:
        for odd in ODD_TEXTS:
            yield method, filled(path, names | {name: odd}, {}), usual
    queries = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    for name in queries:
        for odd in ODD_TEXTS:
            yield method, filled(path, names, {name: odd}), usual
    if method in ("GET", "DELETE") or "requestBody" not in operation:
        return
    where = filled(path, names, {})
    for raw in ODD_BODIES:
        yield method, where, raw
    for name in (*body, "confirmed", "odd"):
        for value in ODD_VALUES:
            yield method, where, json.dumps(body | {name: value}).encode()


def send(client: Any, method: str, path: str, body: bytes, **headers: str) -> Any:
    said = client.merchants_key if "/merchant/" in path else client.token
    kind = "text/csv" if path.endswith(("/grants", "/revocations")) else "application/json"
    headers = {
        "Authorization": said,
        "If-Match": "*",
        "Idempotency-Key": f"k{next(_numbers)}",
        **headers,
    }
    if method == "POST" and "?" not in path and "/merchant/" in path and "campaigns/" not in path:
        path += "?dry_run=1"
    return client.generic(method, path, body, kind, headers=headers)


@pytest.mark.parametrize(("method", "path", "operation"), [
    pytest.param(*one, id=f"{one[0]} {one[1]}") for one in operations()
])  # fmt: skip
def test_no_odd_value_is_answered_by_a_failure(
    caller: Any, method: str, path: str, operation: dict[str, Any]
) -> None:
    failed = []
    for request in odd_requests(method, path, operation):
        response = send(caller, *request)
        if response.status_code >= 500:
            failed.append((response.status_code, *request[:2], request[2][:80]))
    assert not failed, f"{len(failed)}: {failed[:8]}"


def test_no_odd_receipt_is_answered_by_a_failure(caller: Any) -> None:
    for receipt in odd_receipts("sale"):
        body = json.dumps({"receipt": receipt}).encode()
        assert send(caller, "POST", "/api/v1/receipts/verify", body).status_code < 500, receipt


@pytest.mark.parametrize("header", [
    "Accept-Language", "If-None-Match", "If-Match", "Idempotency-Key", "X-Request-Id", "Origin",
    "Authorization", "X-Forwarded-For", "X-Forwarded-Proto", "Content-Encoding", "Host", "Cookie",
    "traceparent", "Content-Type", "Content-Length",
])  # fmt: skip
def test_no_odd_header_is_answered_by_a_failure(caller: Any, header: str) -> None:
    paths = (("GET", "/api/v1/coupons"), ("POST", "/api/v1/campaigns/sale/claims"),
             ("GET", "/api/v1/campaigns"), ("POST", "/api/v1/merchant/quotes"))  # fmt: skip
    for odd in ODD_TEXTS:
        value = odd.encode(errors="surrogatepass").decode("latin-1")
        for method, path in paths:
            if header == "Content-Length":
                continue
            response = send(caller, method, path, b"{}", **{header: value})
            assert response.status_code < 500, (path, odd)
