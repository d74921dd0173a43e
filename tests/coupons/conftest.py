"""Fixtures of the domain's tests: both strategies, and dependencies that are really away."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from coupons.admission import strategies
from coupons.api import rate_limit
from coupons.broker import wakeups
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.issuing import drain
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import SLUGS, Broker
from tests.coupons.identity.signing import SECRET
from tests.harness.one_second import OneSecond
from tests.harness.servers import free_port


@pytest.fixture(autouse=True)
def no_limit(settings: Any) -> None:
    """No rate limit: the same few users act in every test. The limit has its own tests."""
    settings.CLAIMS_PER_USER_PER_S = settings.REQUESTS_PER_USER_PER_S = 0
    settings.UNKNOWN_PER_USER_PER_MIN = 0


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> OneSecond:
    """All claims of the test are in one second of the limiters, until it ends that."""
    second = OneSecond()
    monkeypatch.setattr(rate_limit, "time", second)
    return second


@pytest.fixture(params=["queued", "direct"])
def strategy(request: pytest.FixtureRequest) -> str:
    """Each test runs with both strategies."""
    return str(request.param)


@pytest.fixture
def mysql_away(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Call it: from then on MySQL's port is closed."""
    if connection.vendor != "mysql":
        pytest.skip("a file is never away")

    def disconnect_mysql() -> None:
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "PORT", free_port())

    yield disconnect_mysql
    monkeypatch.undo()
    connection.close()


@pytest.fixture
def shared_secret(settings: Any) -> Iterator[None]:
    """Tokens are signed with a secret that we share with the shop, not with public keys."""
    settings.JWT_HS256_SECRET, settings.JWT_JWKS_FILE = SECRET, ""
    settings.JWT_HS256_PREVIOUS = []
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = "https://shop.example", "coupons"
    yield


@pytest.fixture
def fake_broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The wake-up messages that would be sent, in place of a broker; a list of slugs for each."""
    messages: Broker = []

    def record_wakeup(slug: str) -> bool:
        messages.append([slug])
        return True

    monkeypatch.setattr(wakeups, "notify_drain", record_wakeup)
    monkeypatch.setattr(wakeups, "notify_drains", lambda slugs: messages.append(list(slugs)))
    return messages


@pytest.fixture
def four_campaigns(
    open_campaign: CampaignMaker, fake_broker: Broker
) -> dict[str, CampaignSnapshot]:
    made = {slug: open_campaign(slug, stock=20) for slug in SLUGS}
    for sale in made.values():
        strategies.admit(sale, Claim("first"))
        drain.drain(sale.slug, consumer="test")
    fake_broker.clear()
    return made
