"""A campaign is public from its announcement on; before, users are told that there is no such
campaign, whatever they ask."""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from coupons.campaigns import announced, definition, lifecycle, lookup
from coupons.claims.timestamps import milliseconds_of, moment_of
from coupons.errors import BadInput, UnknownCampaign
from coupons.issuing import drain
from coupons.models import Campaign
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "secret"
HOUR = timedelta(hours=1)


def everything_users_ask(slug: str) -> dict[str, Any]:
    person, path = Person("jun"), f"/api/v1/campaigns/{slug}"
    client = person.client
    return {
        "campaign": Client().get(path),
        "live": Client().get(f"{path}/live"),
        "claim": person.claims(slug),
        "claim with a wrong body": person.claims(slug, {"nth": 7}),
        "claim without JSON": client.post(f"{path}/claims", b"{", content_type="application/json"),
        "status": client.get(f"{path}/claims/me"),
        "status of a wrong claim": client.get(f"{path}/claims/me?nth=7"),
        "join": client.post(f"{path}/waitlist"),
        "waiting": client.get(f"{path}/waitlist"),
        "leave": client.delete(f"{path}/waitlist"),
        "accept": client.post(f"{path}/waitlist/accept"),
    }


@pytest.fixture
def unannounced(open_campaign: CampaignMaker) -> Callable[..., Campaign]:
    def make(slug: str = SECRET, **fields: Any) -> Campaign:
        now = timezone.now()
        window = {"opens_at": now + 2 * HOUR, "closes_at": now + 3 * HOUR}
        open_campaign(slug, **{"announced_at": now + HOUR, **window, **fields})
        return Campaign.objects.get(slug=slug)

    return make


@pytest.mark.parametrize("audience", ["", "gold"])
def test_before_it_users_are_told_nothing(
    unannounced: Callable[..., Campaign], strategy: str, audience: str
) -> None:
    """Byte for byte as of a campaign that does not exist."""
    unannounced(strategy=strategy, audience=audience, waitlist_limit=5)
    there_is_none = everything_users_ask("no-such-campaign")
    for how, answer in everything_users_ask(SECRET).items():
        problem_of(answer, 404, "unknown_campaign")
        assert answer.content == there_is_none[how].content, how
        assert dict(answer.headers).keys() == dict(there_is_none[how].headers).keys(), how


def test_a_paused_and_a_second_question_are_told_nothing_either(
    unannounced: Callable[..., Campaign],
) -> None:
    unannounced()
    lifecycle.pause_campaign(SECRET, actor="Mina")
    for _ in range(2):
        for answer in everything_users_ask(SECRET).values():
            problem_of(answer, 404, "unknown_campaign")


def test_control_one_without_a_moment_is_public_as_soon_as_it_is_scheduled(
    unannounced: Callable[..., Campaign],
) -> None:
    unannounced(announced_at=None)
    answers = everything_users_ask(SECRET)
    assert answers["campaign"].status_code == answers["live"].status_code == 200
    assert answers["claim"].json()["code"] == "not_open"


def test_it_is_announced_by_the_deciding_clock_to_the_millisecond(
    open_campaign: CampaignMaker, strategy: str, settings: Any
) -> None:
    settings.FACTS_TTL_S = 3600  # it is not asked for again because its snapshot is old
    now = timezone.now()
    announced_at = moment_of(milliseconds_of(now + timedelta(seconds=8)))
    window = {"opens_at": now + HOUR, "closes_at": now + 2 * HOUR}
    open_campaign(SECRET, strategy=strategy, announced_at=announced_at, **window)
    early = 0
    while (answer := Client().get(f"/api/v1/campaigns/{SECRET}")).status_code == 404:
        early += 1
    assert early
    server_time = answer.json()["server_time"]
    assert milliseconds_of(announced_at) <= milliseconds_of(
        timezone.datetime.fromisoformat(server_time)  # type: ignore[attr-defined]
    )
    assert Person("jun").claims(SECRET).json()["code"] == "not_open"


def test_our_own_work_knows_it(unannounced: Callable[..., Campaign]) -> None:
    unannounced()
    assert lookup.find_snapshot(SECRET).slug == SECRET
    with pytest.raises(UnknownCampaign):
        lookup.find_public(SECRET)
    assert lookup.find_snapshot(SECRET).slug == SECRET  # from memory
    drain.drain(SECRET, consumer="test")


def test_asking_for_it_again_asks_no_store(
    unannounced: Callable[..., Campaign], django_assert_num_queries: Any, settings: Any
) -> None:
    settings.FACTS_TTL_S = 3600
    unannounced()
    everything_users_ask(SECRET)
    before = int(store().client.info("stats")["total_commands_processed"])
    with django_assert_num_queries(0):
        everything_users_ask(SECRET)
    after = int(store().client.info("stats")["total_commands_processed"])
    assert after - before == 1  # the INFO before


def test_while_the_stores_are_away_it_stays_hidden(
    unannounced: Callable[..., Campaign], redis_away: Any, mysql_away: Any, settings: Any
) -> None:
    settings.FACTS_TTL_S = 0
    unannounced()
    everything_users_ask(SECRET)
    redis_away()
    mysql_away()
    problem_of(Client().get(f"/api/v1/campaigns/{SECRET}"), 404, "unknown_campaign")


# -- The rules


@pytest.mark.stores
def test_it_must_be_announced_before_it_opens(draft: Callable[..., Campaign]) -> None:
    now = timezone.now()
    with pytest.raises(ValidationError, match="announced before it opens"):
        draft(opens_at=now + HOUR, closes_at=now + 2 * HOUR, announced_at=now + 1.5 * HOUR)
    campaign = draft(opens_at=now + HOUR, closes_at=now + 2 * HOUR, announced_at=now + HOUR)
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(announced_at=now + 1.5 * HOUR)


def test_an_opening_moved_to_before_the_announcement_takes_it_along(
    unannounced: Callable[..., Campaign],
) -> None:
    campaign = unannounced()
    assert campaign.announced_at is not None
    sooner = campaign.announced_at - HOUR / 2
    lifecycle.reschedule(SECRET, opens_at=sooner, closes_at=campaign.closes_at, actor="Mina")
    assert Campaign.objects.get().announced_at == sooner


@pytest.mark.parametrize("verb", [lifecycle.open_now, lifecycle.close_campaign])
def test_opening_or_closing_it_now_announces_it(
    unannounced: Callable[..., Campaign], verb: Callable[..., object]
) -> None:
    unannounced()
    everything_users_ask(SECRET)
    verb(SECRET, actor="Mina")
    assert Client().get(f"/api/v1/campaigns/{SECRET}").status_code == 200


def test_a_clone_is_announced_as_long_before_its_opening(
    unannounced: Callable[..., Campaign],
) -> None:
    campaign = unannounced()
    opens_at = campaign.opens_at + timedelta(days=30)
    window = {"slug": "again", "opens_at": opens_at, "closes_at": opens_at + HOUR}
    assert definition.copy_of(campaign, window).announced_at == opens_at - HOUR
    assert definition.copy_of(campaign, window | {"announced_at": None}).announced_at is None


# -- The list


def listed(query: str = "") -> Any:
    response = Client().get(f"/api/v1/campaigns{query}")
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def many(open_campaign: CampaignMaker) -> None:
    """Two have opened, three will open."""
    now = timezone.now()
    for slug, hours in (("b", 2.0), ("old", -5.0), ("a", 1.0), ("new", -1.0), ("c", 3.0)):
        opens_at = now + hours * HOUR
        open_campaign(slug, opens_at=opens_at, closes_at=now + 9 * HOUR)


@pytest.mark.stores
def test_what_opens_next_comes_first(many: None) -> None:
    assert [one["campaign"] for one in listed()["results"]] == ["a", "b", "c", "new", "old"]


def test_an_entry_says_what_a_visitor_needs(open_campaign: CampaignMaker, strategy: str) -> None:
    sale = open_campaign(strategy=strategy, audience="gold", stock=3)
    (entry,) = listed()["results"]
    live = Client().get("/api/v1/campaigns/sale/live").json()
    assert entry == {
        "campaign": "sale", "name": "The sale", "state": "open", "stock": 3,
        "opens_at": live["opens_at"], "closes_at": live["closes_at"], "terms": sale.terms,
        "audience": True, "page": "/events/sale",
    }  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7])
def test_pages_forward_and_backward_hold_each_campaign_once(many: None, limit: int) -> None:
    page, forward = listed(f"?limit={limit}"), []
    forward.append([one["campaign"] for one in page["results"]])
    assert page["previous"] is None
    while page["next"]:
        page = Client().get(page["next"]).json()
        forward.append([one["campaign"] for one in page["results"]])
    assert [*chain(*forward)] == ["a", "b", "c", "new", "old"]
    backward = [forward[-1]]
    while page["previous"]:
        page = Client().get(page["previous"]).json()
        backward.insert(0, [one["campaign"] for one in page["results"]])
    assert [*chain(*backward)] == ["a", "b", "c", "new", "old"]


def test_a_campaign_is_listed_from_its_announcement_until_it_closes(
    unannounced: Callable[..., Campaign], open_campaign: CampaignMaker, draft: Any
) -> None:
    unannounced()
    draft("draft")
    open_campaign("unlisted", is_listed=False)
    open_campaign("closed")
    lifecycle.close_campaign("closed", actor="Mina")
    open_campaign("sale")
    assert [one["campaign"] for one in listed()["results"]] == ["sale"]
    assert Client().get("/api/v1/campaigns/unlisted").status_code == 200


def test_its_states_are_those_a_claim_would_find(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign("gone", strategy=strategy, stock=1)
    Person("jun").claims("gone")
    open_campaign("paused", strategy=strategy)
    lifecycle.pause_campaign("paused", actor="Mina")
    states = {one["campaign"]: one["state"] for one in listed()["results"]}
    assert states == {"gone": "sold_out", "paused": "paused"}


def test_visitors_cost_one_reading_in_all(
    many: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(announced._listing.current, "_fresh_s", 600)  # a busy machine takes long
    listed()
    before = int(store().client.info("stats")["total_commands_processed"])
    with django_assert_num_queries(0):
        for limit in range(1, 30):
            listed(f"?limit={limit}")
    assert int(store().client.info("stats")["total_commands_processed"]) - before == 1


def test_control_without_the_cache_each_visitor_costs_one(
    many: None, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(announced._listing.current, "_fresh_s", 0)
    with pytest.raises(pytest.fail.Exception), django_assert_max_num_queries(3):
        listed()
        listed()


def test_it_is_for_shared_caches(many: None) -> None:
    first = Client().get("/api/v1/campaigns")
    assert first["Cache-Control"] == "public, max-age=5"
    again = Client().get("/api/v1/campaigns", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = Client().get("/api/v1/campaigns", headers={"host": "testserver"}, SERVER_PORT="81")
    assert other.content == first.content


def test_while_redis_or_mysql_is_away_it_is_served_all_the_same(
    many: None, redis_away: Any, mysql_away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_away()
    first = listed()
    assert [one["campaign"] for one in first["results"]] == ["a", "b", "c", "new", "old"]
    monkeypatch.setattr(announced._listing.current, "_fresh_s", 0)
    mysql_away()
    assert listed() == first


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=", "limit=-1", "limit=1.5", "limit=999999999999"],
)
def test_a_wrong_limit_is_refused(db: None, query: str) -> None:
    said = problem_of(Client().get(f"/api/v1/campaigns?{query}"), 400, "bad_input")
    assert said["errors"][0]["field"] == "limit"


@pytest.mark.parametrize(
    "cursor", ["x", "a", "a2-1-1", "a0--1-1", "c0-1-1", "a0-1", "a0-1-1 ", "a0-١-1", "a0-1-1\x00"]
)
def test_a_cursor_that_no_page_gave_is_refused(db: None, cursor: str) -> None:
    with pytest.raises(BadInput):
        announced.list_announced(cursor)
    response = Client().get("/api/v1/campaigns", {"cursor": cursor})
    assert problem_of(response, 400, "bad_input")["errors"][0]["field"] == "cursor"


def test_beyond_either_end_is_an_empty_page(many: None) -> None:
    beyond = announced.list_announced("a1-0-9")
    assert (beyond.results, beyond.next, beyond.previous) == ([], None, None)
    before = announced.list_announced("b0-0-1", 3)
    assert (before.results, before.next, before.previous) == ([], None, None)
