"""GET /time and GET …/campaigns/{slug}/live: what ten thousand watchers poll."""

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coupons.campaigns import lifecycle, live_document, redis_clock, shared_value
from coupons.monitoring import clock_skew
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

LIVE, TIME = "/api/v1/campaigns/sale/live", "/api/v1/time"


@pytest.fixture
def every_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is read anew by each request."""
    monkeypatch.setattr(live_document, "FRESH_S", 0)
    monkeypatch.setattr(live_document, "STALE_S", 0)


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The document of a moment stays one, as slow as this machine may be."""
    monkeypatch.setattr(live_document, "FRESH_S", 600)
    settings.FACTS_TTL_S = 600


def read_live() -> Any:
    response = Client().get(LIVE)
    assert response.status_code == 200, response.content
    return response.json()


def commands_of_redis() -> int:
    return int(store().client.info("stats")["total_commands_processed"])


def test_the_document_says_what_a_watcher_needs(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    sale = open_campaign(strategy=strategy, stock=3, waitlist_limit=5)
    Person("jun").claims()
    response = Client().get(LIVE)
    said = response.json()
    now = datetime.fromisoformat(said.pop("now"))
    assert abs(now - timezone.now()) < timedelta(seconds=10)
    for name, ms in (("opens_at", sale.opens_ms), ("closes_at", sale.closes_ms)):
        assert datetime.fromisoformat(said.pop(name)).timestamp() * 1000 == pytest.approx(ms)
    assert said.pop("asked") >= 0
    assert said.pop("refused") >= 0
    assert said == {
        "campaign": "sale", "state": "open", "stock": 3, "remaining": 2, "last_place_at": None,
        "waitlist": True,
    }  # fmt: skip
    assert response["Cache-Control"] == "public, max-age=1"
    assert response["Content-Type"] == "application/json"


@pytest.mark.usefixtures("every_moment")
def test_its_state_is_what_a_claim_would_find(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, stock=1, opens_at=timezone.now() + timedelta(minutes=1))
    states = [read_live()["state"]]
    lifecycle.open_now("sale", actor="Mina")
    states.append(read_live()["state"])
    lifecycle.pause_campaign("sale", actor="Mina")
    states.append(read_live()["state"])
    lifecycle.resume_campaign("sale", actor="Mina")
    Person("jun").claims()
    states.append(read_live()["state"])
    lifecycle.close_campaign("sale", actor="Mina")
    states.append(read_live()["state"])
    assert states == ["scheduled", "open", "paused", "sold_out", "closed"]


@pytest.mark.usefixtures("lasting")
def test_watchers_ask_no_store(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    open_campaign()
    read_live()
    before = commands_of_redis()
    with django_assert_num_queries(0):
        said = {read_live()["now"] for _ in range(50)}
    assert len(said) == 1
    assert commands_of_redis() - before == 1  # the INFO before


def test_a_queued_campaign_asks_no_database_at_all(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    open_campaign()
    with django_assert_num_queries(0):
        read_live()


@pytest.mark.usefixtures("every_moment")
def test_control_without_the_cache_every_watcher_asks_redis(open_campaign: CampaignMaker) -> None:
    open_campaign()
    read_live()
    before = commands_of_redis()
    for _ in range(50):
        read_live()
    assert commands_of_redis() - before > 50


def test_who_has_the_document_already_gets_304_without_a_body(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    first = Client().get(LIVE)
    for tags in (first["ETag"], f'"other", W/{first["ETag"]}'):
        again = Client().get(LIVE, headers={"if-none-match": tags})
        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])
    other = Client().get(LIVE, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.usefixtures("every_moment")
def test_a_304_never_hides_a_change(open_campaign: CampaignMaker) -> None:
    open_campaign()
    first = Client().get(LIVE)
    Person("jun").claims()
    again = Client().get(LIVE, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.json()["remaining"]) == (200, 9)


def test_head_has_the_headers_and_other_methods_are_refused(open_campaign: CampaignMaker) -> None:
    open_campaign()
    whole, head = Client().get(LIVE), Client().head(LIVE)
    assert (head.status_code, head["ETag"]) == (200, whole["ETag"])
    for method in ("post", "put", "delete", "patch", "options"):
        refused = getattr(Client(), method)(LIVE)
        problem_of(refused, 405, "method_not_allowed")
        assert refused["Allow"] == "GET, HEAD"
        assert refused["Cache-Control"] == "no-store"


@pytest.mark.parametrize("slug", ["nosuch", "NO_SUCH", "x" * 65])
def test_an_unknown_campaign_is_404_as_elsewhere(db: None, slug: str) -> None:
    live = Client().get(f"/api/v1/campaigns/{slug}/live")
    assert live.content == Client().get(f"/api/v1/campaigns/{slug}").content
    problem_of(live, 404, "unknown_campaign")
    assert live["Cache-Control"] == "no-store"


def test_a_draft_is_404(draft: Any) -> None:
    draft()
    problem_of(Client().get(LIVE), 404, "unknown_campaign")


def test_the_problem_is_in_the_language_of_the_watcher(db: None) -> None:
    said = Client().get("/api/v1/campaigns/nosuch/live", headers={"accept-language": "ko"})
    assert said["Content-Language"] == "ko"
    assert said.json()["title"] == "존재하지 않는 캠페인입니다"


def test_while_redis_is_away_the_last_document_is_served_for_a_while(
    open_campaign: CampaignMaker, redis_away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_document, "FRESH_S", 0)
    open_campaign()
    first = read_live()
    redis_away()
    assert read_live() == first


@pytest.mark.usefixtures("every_moment")
def test_while_redis_is_away_an_old_document_is_no_answer(
    open_campaign: CampaignMaker, redis_away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_document, "KEPT_S", 0)
    open_campaign()
    read_live()
    redis_away()
    away = Client().get(LIVE)
    problem_of(away, 503, "store_away")
    assert int(away["Retry-After"]) > 0


def test_a_direct_campaign_needs_no_redis(open_campaign: CampaignMaker, redis_away: Any) -> None:
    open_campaign(strategy="direct", stock=1)
    redis_away()
    Person("jun").claims()
    said = read_live()
    assert (said["state"], said["remaining"]) == ("sold_out", 0)


def test_a_campaign_that_redis_lost_is_being_repaired(open_campaign: CampaignMaker) -> None:
    open_campaign()
    store().client.delete(keys.campaign_keys("sale").gate)
    problem_of(Client().get(LIVE), 503, "closed_for_repair")


def test_damaged_counts_are_an_error_of_this_campaign_only(open_campaign: CampaignMaker) -> None:
    open_campaign()
    open_campaign("other")
    store().client.set(keys.campaign_keys("sale").counts, "no hash")
    problem_of(Client().get(LIVE), 503, "store_error")
    assert Client().get("/api/v1/campaigns/other/live").status_code == 200


def test_many_watchers_at_once_cost_one_read(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_value, "LONGEST_WAIT_S", 60)
    open_campaign()
    ready, answers = threading.Barrier(32), []

    def watch() -> None:
        ready.wait(60)
        answers.append(live_document.read_live("sale").body)

    before = commands_of_redis()
    watchers = [threading.Thread(target=watch) for _ in range(32)]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join(60)
    assert (len(answers), len(set(answers))) == (32, 1)
    # INFO; a look-up (two commands) by each of the first watchers; one transaction; and what the
    # process's own threads ask meanwhile. Without the cache each watcher has a transaction.
    assert commands_of_redis() - before <= 1 + 2 * 32 + 1 + 5 + 20 < 32 * 5


# -- /time


def test_the_time_is_503_until_it_was_measured(db: None) -> None:
    response = Client().get(TIME)
    problem_of(response, 503, "store_away")
    assert response["Cache-Control"] == "no-store"


def test_the_time_is_redis_time_without_asking_redis(db: None) -> None:
    clock_skew.reporter.current.report("web@here")
    commands = commands_of_redis()
    earliest = store().server.now_ms()
    response = Client().get(TIME)
    latest = store().server.now_ms()
    said = response.json()
    assert earliest - 2 <= said["now_ms"] <= latest + 2  # half a round trip
    assert datetime.fromisoformat(said["now"]).timestamp() * 1000 == pytest.approx(said["now_ms"])
    assert response["Cache-Control"] == "no-store"
    assert commands_of_redis() - commands == 3  # INFO and the two of this test


def test_the_time_goes_on_while_redis_is_away(db: None, redis_away: Any) -> None:
    clock_skew.reporter.current.report("web@here")
    redis_away()
    first = Client().get(TIME).json()["now_ms"]
    assert Client().get(TIME).json()["now_ms"] >= first


def test_the_time_ignores_the_clock_of_this_host(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    true_now = store().server.now_ms()
    monkeypatch.setattr(time, "time", lambda: 1.0)  # a host in 1970
    clock_skew.reporter.current.report("web@here")
    now_ms = redis_clock.estimated_now_ms()
    assert now_ms is not None
    assert abs(now_ms - true_now) < 10_000
