"""The merchants' door behind its front: long bodies, many requests of one key, nothing else."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from coupons.merchants import api_keys
from coupons.models import Merchant
from tests.harness import front, servers, services
from tests.harness.front import FrontDoor

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CAMPAIGNS = "/api/v1/merchant/campaigns"
OF_ROLE = next(door for door in front._defaults()["front_doors"] if door["name"] == "merchants")


@pytest.fixture
def door(child_environment: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """The port of the front, which has the role's own rules."""
    rules = {name: OF_ROLE[name] for name in ("paths", "token", "most_of_token", "streams")}
    own = {name: OF_ROLE[name] for name in ("body_bytes", "repeatable", "connections")}
    port = servers.free_port()
    with services.start_web(child_environment | {"DOOR": "merchants"}, tmp_path) as inner:
        served = FrontDoor("merchants", port, inner, at_once=4, public="", first="", **rules, **own)
        with front.start_front(tmp_path / "front", [served]):
            yield port


@pytest.fixture
def key() -> str:
    shop = Merchant.objects.create(slug="shop", name="The shop")
    return api_keys.make_key(shop, name="backend", scopes=["campaigns"])[1]


def send(port: int, path: str, key: str = "", method: str = "GET", body: bytes = b"") -> Any:
    headers = {"Content-Type": "application/json"}
    if key:
        headers |= {"Authorization": f"Api-Key {key}", "Idempotency-Key": "k-1"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}").get("code")


def test_it_has_the_merchants_paths_and_no_others(door: int, key: str) -> None:
    assert send(door, CAMPAIGNS, key) == (200, None)
    assert send(door, CAMPAIGNS) == (401, "bad_key")
    for path in ("/", "/api/v1/campaigns/sale", "/admin/", "/api/v1/merchant/", "/metrics"):
        assert send(door, path, key)[0] == 404, path


def test_a_long_body_reaches_the_application(door: int, key: str) -> None:
    """Longer than the front's buffer: the application's own bound answers, not the front's."""
    for size in (5_000, 60_000):
        body = json.dumps({"x": "y" * size}).encode()
        assert send(door, CAMPAIGNS, key, "POST", body) == (400, "bad_input"), size
    body = json.dumps({"x": "y" * 300_000}).encode()
    assert send(door, CAMPAIGNS, key, "POST", body) == (413, "body_too_large")


def test_a_shop_may_ask_more_often_than_a_user(door: int, key: str) -> None:
    """The front counts a user's requests; a key's limit is the application's."""
    most = front._defaults()["front_most_of_token"]
    assert {send(door, CAMPAIGNS, key)[0] for _ in range(2 * most)} == {200}
