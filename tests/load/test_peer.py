"""The peers call the product's script, and must follow its changes; the bare ASGI application does
the same admission as the product over HTTP."""

import ast
import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import contenders
import provider_keys
import pytest
from measured_rounds import signed_tokens
from programs import running

from coupons.claims import coupon_codes
from coupons.store import store
from tests.bench import thin_rate
from tests.conftest import CampaignMaker, Person
from tests.load.conftest import TOP

Answer = tuple[int, dict[str, Any]]
Peer = Callable[..., Answer]
OURS = "sale"


def test_the_peers_call_the_script_as_it_is() -> None:
    """Otherwise only `make compare` would detect it, by a peer that fails every claim."""
    script = (TOP / "coupons/store/lua/admit.lua").read_text()
    peer = ast.parse((TOP / "locust" / "compare" / "peer_admission.py").read_text())
    (call,) = (
        node
        for node in ast.walk(peer)
        if isinstance(node, ast.Call) and {word.arg for word in node.keywords} == {"keys", "args"}
    )
    given = {word.arg: len(_list(word.value)) for word in call.keywords}
    assert given == {"keys": _most("KEYS", script), "args": _most("ARGV", script)}


def _list(node: ast.expr) -> list[ast.expr]:
    assert isinstance(node, ast.List)
    return node.elts


def _most(name: str, script: str) -> int:
    return max(int(number) for number in re.findall(rf"{name}\[(\d+)\]", script))


def answer_of(url: str, method: str, path: str, token: str = "") -> Answer:
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body


def claim_at(url: str, token: str) -> Answer:
    return answer_of(url, "POST", f"/api/v1/campaigns/{OURS}/claims", token)


@pytest.fixture(params=["HS256", "RS256"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The peer's settings; with RS256 those of an identity provider's keys, too."""
    metrics = tmp_path / "prometheus"
    metrics.mkdir()
    env = thin_rate.thin_environment() | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return env | (provider_keys.make_keys(tmp_path, "RS256") if request.param == "RS256" else {})


@pytest.fixture
def peer(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of the bare ASGI application. On asyncio's own loop: uvloop is in the peers'
    environment only."""
    url = contenders.local_url()
    program = contenders.bare_asgi(url, environment, sys.executable, loop="asyncio")
    with running(program, tmp_path):
        yield url


def test_the_bare_peer_admits_as_the_product_does(
    open_campaign: CampaignMaker, peer: str, environment: dict[str, str]
) -> None:
    sale = open_campaign(stock=2)
    token, other, late = signed_tokens(environment, 3)
    status, body = claim_at(peer, token)
    user = _subject(token)
    ours = Person(user).claims()
    assert (status, ours.status_code) == (202, 200), "admitted once, by the one script"
    assert ours.json() | body == ours.json(), "what the peer says, the product says"
    code = sale.code_of(user=user, nth=1, place=1)
    assert body["code"] == coupon_codes.grouped_code(code)
    assert claim_at(peer, token) == (200, body)
    assert claim_at(peer, other)[0] == 202
    assert claim_at(peer, late) == (409, {"code": "sold_out"})
    assert store().campaigns.gate(OURS).admitted == 2
    assert answer_of(peer, "GET", f"/api/v1/campaigns/{OURS}")[1]["stock"] == 2


def test_the_bare_peer_admits_nobody_by_a_forged_token(
    open_campaign: CampaignMaker, peer: str, environment: dict[str, str]
) -> None:
    open_campaign()
    [token] = signed_tokens(environment, 1)
    header, _, signature = token.split(".")
    stolen = base64.urlsafe_b64encode(b'{"sub":"bob","exp":9999999999}').rstrip(b"=").decode()
    for forged in (f"{token[:-8]}AAAAAAAA", f"{header}.{stolen}.{signature}", "a.b", ""):
        assert claim_at(peer, forged)[0] == 401, forged
    assert store().campaigns.gate(OURS).admitted == 0


def _subject(token: str) -> str:
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


def test_people_are_signed_once_and_come_to_every_round(environment: dict[str, str]) -> None:
    first = signed_tokens(environment, 3)
    assert signed_tokens(environment, 2) == first[:2]
    more = signed_tokens(environment, 5)
    assert more[:3] == first
    assert len({_subject(token) for token in more}) == 5
