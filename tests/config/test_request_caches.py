"""M9: no cache of a process grows by the length of what a client sends: each place of a request is
filled with texts of 60 kB, a different one each time, and the memory of Python is counted."""

import gc
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory

from config import request_cycle
from config.request_cycle import RequestCycle
from coupons.api import problems, translations
from coupons.identity import user_tokens
from coupons.merchants import api_keys
from coupons.models import Merchant, Scope
from tests.conftest import CampaignMaker

MANY = 40
BOUND = 1_000_000  # bytes; what is sent is 60 kB in each of MANY requests: 2.4 MB


def placed(path: str, query: str = "", body: str = "", **headers: str) -> dict[str, str]:
    return {"PATH_INFO": path, "QUERY_STRING": query, "body": body, **headers}


PLACES: dict[str, dict[str, str]] = {
    "slug of a claim": placed("/api/v1/campaigns/X/claims"),
    "slug of a page": placed("/events/X"),
    "unknown path": placed("/api/X"),
    "code": placed("/api/v1/coupons/X"),
    "query": placed("/api/v1/coupons", "X=1"),
    "cursor": placed("/api/v1/coupons", "cursor=X"),
    "limit": placed("/api/v1/campaigns", "limit=X"),
    "Accept-Language": placed("/api/v1/coupons/a", HTTP_ACCEPT_LANGUAGE="koX, ko;q=0.5"),
    "Authorization": placed("/api/v1/coupons", HTTP_AUTHORIZATION="Bearer X.b.c"),
    "Api-Key": placed("/api/v1/merchant/campaigns", HTTP_AUTHORIZATION="Api-Key cpk_live_X"),
    "Content-Type": placed("/api/v1/receipts/verify", body="{}", CONTENT_TYPE="text/X"),
    "Idempotency-Key": placed("/api/v1/merchant/webhooks", body="{}", HTTP_IDEMPOTENCY_KEY="X"),
    "If-None-Match": placed("/api/v1/campaigns", HTTP_IF_NONE_MATCH='"X"'),
    "If-Match": placed("/api/v1/merchant/campaigns/sale/pause", body="{}", HTTP_IF_MATCH='"X"'),
    "Origin": placed("/api/v1/coupons", HTTP_ORIGIN="https://X.example"),
    "Host": placed("/api/v1/coupons", HTTP_HOST="X.example"),
    "Cookie": placed("/admin/", HTTP_COOKIE="sessionid=X; csrftoken=X"),
    "X-Request-Id": placed("/api/v1/coupons", HTTP_X_REQUEST_ID="X"),
    "X-Forwarded-For": placed("/api/v1/coupons", HTTP_X_FORWARDED_FOR="X"),
    "name of a field": placed("/api/v1/receipts/verify", body='{"X": 1}'),
    "receipt": placed("/api/v1/receipts/verify", body='{"receipt": "X"}'),
    "merchant's field": placed("/api/v1/merchant/quotes", body='{"code": "X", "X": 1}'),
}


class Caller:
    """Calls the WSGI application by environs of its own: the test client keeps addresses itself."""

    def __init__(self, key: str) -> None:
        self._application: Any = RequestCycle()
        factory: Any = RequestFactory()
        self._usual = factory._base_environ() | {
            "HTTP_ACCEPT_LANGUAGE": "ko", "CONTENT_TYPE": "application/json",
        }  # fmt: skip
        self._key, self._token = f"Api-Key {key}", f"Bearer {user_tokens.mint_token('jun')}"

    def send(self, place: dict[str, str], text: str) -> int:
        filled = {name: value.replace("X", text) for name, value in place.items()}
        body = place["body"].replace("X", text[:3_000]).encode()
        said = self._key if "/merchant/" in place["PATH_INFO"] else self._token
        own = {"HTTP_AUTHORIZATION": said, "CONTENT_LENGTH": str(len(body)),
               "REQUEST_METHOD": "POST" if body or "claims" in place["PATH_INFO"] else "GET",
               "wsgi.input": BytesIO(body)}  # fmt: skip
        statuses: list[int] = []

        def start(status: str, _: Any, *__: Any) -> None:
            statuses.append(int(status[:3]))

        b"".join(self._application({**self._usual, **own, **filled}, start))
        return statuses[0]


@pytest.fixture
def caller(transactional_db: None, open_campaign: CampaignMaker, settings: Any) -> Caller:
    settings.CLAIMS_PER_USER_PER_S = settings.REQUESTS_PER_KEY_PER_S = 0
    merchant = Merchant.objects.create(slug="books", name="Books")
    open_campaign(merchant=merchant)
    _, key = api_keys.make_key(merchant, name="all", scopes=Scope.values)
    return Caller(key)


def texts(size: int) -> Iterator[str]:
    return (f"{number:06d}" + "x" * (size - 6) for number in range(MANY))


def grown_bytes(caller: Caller, place: dict[str, str], size: int) -> int:
    for text in ("warm", "up"):
        caller.send(place, text)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for text in texts(size):
        assert caller.send(place, text) < 500
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_request_makes_a_process_keep_its_text(caller: Caller, place: str) -> None:
    assert grown_bytes(caller, PLACES[place], 60_000) < BOUND


@pytest.mark.usefixtures("traced")
def test_negative_control_a_cache_by_path_keeps_them(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_cycle, "LONGEST_KEPT", 10**9)
    try:
        assert grown_bytes(caller, PLACES["slug of a claim"], 60_000) > BOUND
    finally:
        request_cycle._match_of.cache_clear()


@pytest.mark.usefixtures("traced")
def test_negative_control_documents_by_detail_keep_them(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "MOST_DETAIL", 10**9)
    monkeypatch.setattr("coupons.api.json.MOST_MEDIA_TYPE", 10**9)
    try:
        assert grown_bytes(caller, PLACES["Content-Type"], 60_000) > BOUND
    finally:
        problems.encoded_problem.cache_clear()
        translations._translated_text.cache_clear()
