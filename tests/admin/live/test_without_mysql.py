"""MySQL stops in an open sale, while Redis goes on admitting: what the pages' polls answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from coupons.admin.live import reading
from coupons.admin.login import recent_sessions
from coupons.campaigns import lifecycle
from coupons.database import availability
from coupons.issuing import drain
from coupons.models import Campaign
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.django_db(transaction=True)
LIVE, PANEL = "live/figures.json", "live.json"
NOT_KNOWN = "?"


@pytest.fixture(autouse=True)
def living_workers() -> None:
    store().client.set(keys.SWEPT, store().server.now_ms() + 600_000)
    store().client.set(keys.CANARY, store().server.now_ms() + 600_000)


@pytest.fixture
def mina() -> Client:
    return logged_in("mina")


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> "Outage":
    return Outage(monkeypatch)


class Outage:
    """Of MySQL, for this process. Its breaker does not delay the first question afterwards."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def begin(self) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise OperationalError(2003, "Can't connect to MySQL server on 'db.internal'")

        self._patch.setattr(connection, "cursor", refuse)
        expire_readings()

    def end(self) -> None:
        self._patch.undo()
        availability.breaker().succeeded()
        expire_readings()


def logged_in(name: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser(name))
    client.get("/admin/")  # a page: its polls do not keep the session
    return client


def poll(client: Client, pk: int, address: str) -> Any:
    return client.get(f"/admin/coupons/campaign/{pk}/{address}", headers={"X-Poll": "yes"})


def expire_readings() -> None:
    for watch in reading._watched.current.values():
        watch.reading._kept = watch.reading._failure = None


def sell(count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        assert Person(f"user-{number}").claims().status_code == 202


def make_older(slug: str, by_ms: int) -> None:
    """The only claim that waits."""
    client: Any = store().client
    name = keys.campaign_keys(slug).queue
    [(_, claim)] = client.xrange(name)
    client.delete(name)
    client.xadd(name, claim, id=f"{store().server.now_ms() - by_ms}-0")


def shown(said: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, (value, _is_bad) in said["figures_shown"].items()}


def test_the_live_page_goes_on_with_what_redis_knows(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign(stock=30)
    pk = Campaign.objects.get().pk
    sell(6)
    drain.drain("sale", consumer="test")
    before = poll(mina, pk, LIVE).json()
    assert (before["is_whole"], shown(before)["stored"]) == (True, "6")
    outage.begin()
    sell(5, first=6)
    answer = poll(mina, pk, LIVE)
    assert answer.status_code == 200
    said = answer.json()
    assert said["verdict_shown"]["light"] == "red"
    assert said["verdict_shown"]["text"].startswith(
        "MySQL does not answer: claims are admitted and wait in Redis."
    )
    known = shown(said)
    assert [known[name] for name in ("admitted", "remaining", "waiting")] == ["11", "19", "5"]
    assert [known[name] for name in ("stored", "told")] == [NOT_KNOWN, NOT_KNOWN]
    assert (said["is_whole"], said["revision"]) == (False, before["revision"])


def test_so_does_the_page_itself(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign(stock=30)
    url = f"/admin/coupons/campaign/{Campaign.objects.get().pk}/live/"
    assert mina.get(url).status_code == 200
    outage.begin()
    sell(5)
    for language, text in (
        ("en", "MySQL does not answer: claims are admitted and wait in Redis."),
        ("ko", "MySQL이 응답하지 않습니다. 신청은 계속 접수되어"),
    ):
        expire_readings()
        answer = mina.get(url, headers={"Accept-Language": language})
        page = answer.content.decode()
        assert (answer.status_code, answer.headers["Refresh"]) == (503, "5")
        assert text in page
        assert '<td data-figure="admitted">5</td>' in page
        assert '<td data-figure="stored">?</td>' in page
    stranger = Client(raise_request_exception=False, headers={"Cookie": "sessionid=made-up"})
    assert "data-figure" not in stranger.get(url).content.decode()


def test_so_does_the_campaigns_panel(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign(stock=30)
    pk = Campaign.objects.get().pk
    sell(6)
    before = poll(mina, pk, PANEL).json()
    outage.begin()
    sell(5, first=6)
    said = poll(mina, pk, PANEL).json()
    assert said["note"] == "MySQL does not answer: claims are admitted and wait in Redis."
    assert (said["admitted"], said["remaining"], said["waiting"]) == (11, 19, 11)
    assert (said["stored"], said["is_whole"]) == (None, False)
    assert (said["state"], said["revision"]) == ("open", before["revision"])


def test_a_pause_and_a_stock_of_meanwhile_are_redis_own(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign(stock=30)
    pk = Campaign.objects.get().pk
    poll(mina, pk, PANEL)
    lifecycle.change_stock("sale", stock=50, actor="Theo")
    lifecycle.pause_campaign("sale", actor="Theo")
    outage.begin()
    said = poll(mina, pk, PANEL).json()
    assert (said["state"], said["stock"]) == ("paused", 50)


def test_a_direct_campaign_says_that_its_claims_are_refused(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign(strategy="direct")
    pk = Campaign.objects.get().pk
    for address in (LIVE, PANEL):
        poll(mina, pk, address)
    outage.begin()
    said = poll(mina, pk, LIVE).json()
    assert "claims of this campaign get 503" in said["verdict_shown"]["text"]
    assert shown(said)["admitted"] == NOT_KNOWN
    assert "get 503" in poll(mina, pk, PANEL).json()["note"]


def test_what_waited_through_the_outage_is_no_stalled_worker(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign(stock=30)
    pk = Campaign.objects.get().pk
    poll(mina, pk, LIVE)
    outage.begin()
    sell(1)
    make_older("sale", 40_000)
    assert "MySQL" in poll(mina, pk, LIVE).json()["verdict_shown"]["text"]
    outage.end()
    said = poll(mina, pk, LIVE).json()
    assert said["is_whole"] is True
    assert said["verdict_shown"]["light"] == "green", said["verdict_shown"]
    watch = reading._watched.current[pk]
    assert watch.both_ms is not None
    watch.both_ms -= 11_000  # it was back for so long, and still nothing is stored
    expire_readings()
    assert "Storing stands still" in poll(mina, pk, LIVE).json()["verdict_shown"]["text"]


@pytest.mark.parametrize("address", [LIVE, PANEL])
def test_nobody_looks_in_whom_mysql_has_not_let_in(
    open_campaign: CampaignMaker, mina: Client, outage: Outage, address: str
) -> None:
    open_campaign()
    pk = Campaign.objects.get().pk
    poll(mina, pk, address)
    theo = logged_in("theo")  # has not asked for figures yet
    stranger = Client(raise_request_exception=False, headers={"Cookie": "sessionid=made-up"})
    assert poll(stranger, pk, address).status_code == 302
    outage.begin()
    for client in (theo, stranger, Client(raise_request_exception=False)):
        answer = poll(client, pk, address)
        assert answer.status_code in (302, 503)
        assert b"admitted" not in answer.content.partition(b"<p>")[0]
    assert poll(theo, pk, address).headers["X-Dependency-Away"] == "database"


def test_a_session_that_has_ended_sees_nothing(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign()
    pk = Campaign.objects.get().pk
    poll(mina, pk, LIVE)
    cookie = mina.cookies["sessionid"].value
    mina.post("/admin/logout/")
    late = Client(raise_request_exception=False, headers={"Cookie": f"sessionid={cookie}"})
    assert poll(late, pk, LIVE).status_code == 302
    outage.begin()
    assert poll(late, pk, LIVE).status_code == 503


def test_a_session_is_forgotten_when_it_ends_by_itself_or_was_long_away(
    open_campaign: CampaignMaker, mina: Client, outage: Outage
) -> None:
    open_campaign()
    pk = Campaign.objects.get().pk
    poll(mina, pk, LIVE)
    [(key, session)] = recent_sessions._kept.current.items()
    assert session.until_s - session.seen_s <= 1_800
    recent_sessions._kept.current[key] = recent_sessions._Session(
        session.seen_s - recent_sessions.KEPT_S - 1, session.until_s
    )
    poll(logged_in("theo"), pk, LIVE)  # MySQL answers another one
    outage.begin()
    assert poll(mina, pk, LIVE).status_code == 503


def test_a_process_that_never_read_the_campaign_says_so(
    open_campaign: CampaignMaker, mina: Client, outage: Outage, draft: Callable[..., Campaign]
) -> None:
    open_campaign()
    poll(mina, Campaign.objects.get().pk, LIVE)
    other = draft("other")
    outage.begin()
    for address in (LIVE, PANEL):
        answer = poll(mina, other.pk, address)
        assert answer.status_code == 503
        assert answer.headers["X-Dependency-Away"] == "database"
