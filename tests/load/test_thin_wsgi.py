"""The thin application that claims are compared with does the same admission as the product."""

import io
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import orjson
import pytest

from coupons.identity import user_tokens
from coupons.store import store
from tests.bench import thin_rate
from tests.conftest import CampaignMaker, Person

Answer = tuple[str, dict[str, Any]]
Claims = Callable[[str], Answer]
USER = "a3f1c9d2-0b4e-4b7a-9c55-6f0e8d1b2a47"


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> Iterator[Claims]:
    """A claim with this token in the campaign `sale`: status and body of the thin application."""
    for name, value in thin_rate.thin_environment().items():
        monkeypatch.setenv(name, value)
    thin = import_module("tests.bench.thin_wsgi")

    def claim(token: str) -> Answer:
        statuses: list[str] = []
        environ = {
            "PATH_INFO": "/api/v1/campaigns/sale/claims",
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "CONTENT_LENGTH": "9",
            "wsgi.input": io.BytesIO(b'{"nth":1}'),
        }
        body = thin.application(environ, lambda status, _: statuses.append(status))
        return statuses[0], orjson.loads(b"".join(body))

    yield claim
    thin.redis.close()
    sys.modules.pop(thin.__name__)


def test_it_answers_what_the_product_answers(open_campaign: CampaignMaker, claims: Claims) -> None:
    open_campaign()
    admitted = Person(USER).claims()
    assert admitted.status_code == 202, "the script is loaded from here on"
    assert claims(user_tokens.mint_token(USER)) == ("200 OK", admitted.json())


def test_it_admits_as_the_product_does(open_campaign: CampaignMaker, claims: Claims) -> None:
    sale = open_campaign()
    Person("jun").claims()
    status, body = claims(user_tokens.mint_token(USER))
    assert (status, body["place"]) == ("202 Accepted", 2)
    assert Person(USER).claims().json() == body
    assert store().campaigns.gate(sale.slug).admitted == 2


def test_it_admits_nobody_by_a_forged_token(open_campaign: CampaignMaker, claims: Claims) -> None:
    sale = open_campaign()
    forged = user_tokens.mint_token(USER)[:-6] + "AAAAAA"
    assert claims(forged)[0] == "401 Unauthorized"
    assert store().campaigns.gate(sale.slug).admitted == 0
