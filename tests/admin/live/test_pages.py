"""The live page and what it polls: what the stores say, once a second for all who watch."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from coupons.admin.live import agenda, reading
from coupons.campaigns import lifecycle, opening_hold
from coupons.claims.values import Outcome
from coupons.issuing import drain
from coupons.models import Campaign
from coupons.observability import hot_counters
from coupons.operations import approvals
from coupons.store import keys, store
from coupons.store.demand import Counted
from coupons.store.live import SaleReading
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.django_db
URL = "/admin/coupons/campaign/{}/live/"


@pytest.fixture
def mina() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mina"))
    return client


@pytest.fixture(autouse=True)
def living_workers() -> None:
    store().client.set(keys.SWEPT, store().server.now_ms() + 600_000)
    store().client.set(keys.CANARY, store().server.now_ms() + 600_000)


def figures(client: Client, since: int = 0) -> dict[str, Any]:
    pk = Campaign.objects.get(slug="sale").pk
    answer = client.get(URL.format(pk) + f"figures.json?since={since}")
    assert answer.status_code == 200
    said: dict[str, Any] = answer.json()
    return said


def shown(said: dict[str, Any], name: str) -> str:
    return str(said["figures_shown"][name][0])


def expire_reading() -> None:
    for watch in reading._watched.current.values():
        watch.reading._kept = None


@pytest.mark.parametrize("strategy", ["queued", "direct"])
def test_counts_of_both_stores_and_the_verdict(
    open_campaign: CampaignMaker, strategy: str, mina: Client
) -> None:
    open_campaign(strategy=strategy, stock=3)
    for name in ("jun", "jun", "ann", "bob", "eve"):
        Person(name).claims()
    drain.drain("sale", consumer="test")
    hot_counters.count_and_send()
    said = figures(mina)
    names = ("admitted", "stored", "remaining", "waiting", "told", "parked")
    assert [shown(said, name) for name in names] == ["3", "3", "0", "0", "0", "0"]
    assert said["verdict_shown"]["word"] == "Going well"
    assert "sold out" in said["verdict_shown"]["text"]


def test_demand_by_outcome_and_second(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    words = {
        Outcome.ADMITTED: 6, Outcome.ALREADY_CLAIMED: 3, Outcome.SOLD_OUT: 27,
        "queue_full": 2, "store_away": 1, "<5": 39,
    }  # fmt: skip
    second_ms = (store().server.now_ms() // 1000 - 2) * 1000
    text = " ".join(f"{word}={count}" for word, count in words.items())
    name = keys.campaign_keys("sale").demand
    store().client.hset(name, str(second_ms // 1000 % 960), f"{second_ms // 1000} {text}")
    said = figures(mina)
    assert said["seconds"] == [[second_ms, 6, 3, 27, 2, 1]]
    assert [(row["kind"], row["label"], row["in_all"]) for row in said["outcomes"]] == [
        ("placed", "admitted", "6"), ("repeat", "already has one", "3"),
        ("refused", "sold out", "27"),
        ("turned", "too many were waiting", "2"), ("error", "Redis did not answer", "1"),
    ]  # fmt: skip
    assert (shown(said, "rate"), shown(said, "p99")) == ("12", "≤ 5 ms")
    assert figures(mina, since=second_ms)["seconds"] == []


@pytest.mark.parametrize(("language", "new", "again", "described"), [
    ("en", "new coupon", "asked again, has one", "who asked again and has one"),
    ("ko", "신규 발급", "재신청(이미 발급됨)", "재신청(이미 발급됨)"),
])  # fmt: skip
def test_the_charts_legend_and_description_tell_repeats_from_new_coupons(
    open_campaign: CampaignMaker, mina: Client, language: str, new: str, again: str, described: str
) -> None:
    open_campaign()
    url = URL.format(Campaign.objects.get().pk)
    page = mina.get(url, headers={"Accept-Language": language}).content.decode()
    assert f'<li class="placed">{new}</li><li class="repeat">{again}</li>' in page
    chart = page.partition("<svg data-chart")[2].partition(">")[0]
    assert described in chart
    assert new in chart


def test_the_second_that_runs_is_not_shown_yet(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    store().demand.add_counts({"sale": Counted(1, 0, {"admitted": 1})})
    begun_ms = store().server.now_ms() // 1000 * 1000
    assert all(row[0] < begun_ms + 1000 for row in figures(mina)["seconds"])


def test_a_reading_goes_on_from_the_last_one(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    first_ms = (store().server.now_ms() // 1000 - 200) * 1000
    name = keys.campaign_keys("sale").demand
    store().client.hset(name, str(first_ms // 1000 % 960), f"{first_ms // 1000} sold_out=4")
    assert figures(mina)["seconds"] == [[first_ms, 0, 0, 4, 0, 0]]
    store().client.delete(name)  # it is remembered: only the last seconds are asked for
    expire_reading()
    assert figures(mina)["seconds"] == [[first_ms, 0, 0, 4, 0, 0]]


def test_however_many_watch_each_store_is_asked_once(
    open_campaign: CampaignMaker, mina: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FRESH_S", 600)  # a busy machine takes long for five
    open_campaign()
    figures(mina)
    expire_reading()
    calls: list[str] = []
    read = store().live.read_sale

    def count_call(slug: str, since_ms: int = 0) -> SaleReading:
        calls.append(slug)
        return read(slug, since_ms)

    monkeypatch.setattr(store().live, "read_sale", count_call)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            figures(mina)
    own = [query for query in queries if "given_up_places" in query["sql"]]
    assert (len(calls), len(own)) == (1, 1)


def test_redis_is_asked_in_one_round_trip(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    figures(mina)
    expire_reading()
    before = store().client.info("stats")["total_commands_processed"]
    reading.read_sale(Campaign.objects.get().pk)
    after = store().client.info("stats")["total_commands_processed"]
    assert after - before <= 9  # eight in one pipeline, and this question


def test_while_redis_is_away_it_says_so(
    open_campaign: CampaignMaker, mina: Client, redis_away: Callable[[], None]
) -> None:
    open_campaign()
    Person("jun").claims()
    drain.drain("sale", consumer="test")
    redis_away()
    said = figures(mina)
    unknown = ("rate", "admitted", "remaining", "waiting", "oldest", "told", "parked", "p99",
               "turned", "errors", "canary", "beat")  # fmt: skip
    assert {name: shown(said, name) for name in unknown} == dict.fromkeys(unknown, "?")
    assert shown(said, "stored") == "1"
    assert said["verdict_shown"]["light"] == "red"
    assert "Redis does not answer" in said["verdict_shown"]["text"]


def test_a_campaign_that_redis_lost(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    store().client.delete(keys.campaign_keys("sale").gate)
    said = figures(mina)
    assert shown(said, "admitted") == "?"
    assert "lost this campaign" in said["verdict_shown"]["text"]


def test_a_damaged_key_is_told(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    store().client.delete(keys.campaign_keys("sale").queue)
    store().client.set(keys.campaign_keys("sale").queue, "no stream")
    said = figures(mina)
    assert "can't be read" in said["verdict_shown"]["text"]


def test_claims_that_are_told_and_nowhere_are_counted(
    open_campaign: CampaignMaker, mina: Client
) -> None:
    open_campaign()
    Person("jun").claims()
    store().client.delete(keys.campaign_keys("sale").queue)
    said = figures(mina)
    assert said["figures_shown"]["told"] == ["1", True]
    assert "in no store: 1" in said["verdict_shown"]["text"]


def test_ready_before_the_opening(draft: Callable[..., Campaign], mina: Client) -> None:
    opens = timezone.now() + timedelta(minutes=5)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("sale", actor="mina")
    text = figures(mina)["verdict_shown"]["text"]
    assert "checks green" in text
    assert re.search(r"Opens in 0[45]:\d\d", text), text


def test_the_next_ten_minutes(draft: Callable[..., Campaign], mina: Client) -> None:
    opens = timezone.now() + timedelta(minutes=5)
    for slug, later in (("sale", 0), ("other", 1), ("later", 60)):
        at = opens + timedelta(minutes=later)
        draft(slug, opens_at=at, closes_at=at + timedelta(minutes=2))
        lifecycle.schedule_campaign(slug, actor="mina")
    draft("never-public", opens_at=opens, closes_at=opens + timedelta(hours=1))
    agenda._agenda.make_anew()
    entries = figures(mina)["agenda"]
    assert [(entry["slug"], entry["what"], entry["own"]) for entry in entries] == [
        ("sale", "opens", True), ("other", "opens", False),
        ("sale", "closes", True), ("other", "closes", False),
    ]  # fmt: skip


def test_a_stock_that_another_tab_has_set_is_not_overwritten(
    open_campaign: CampaignMaker, mina: Client
) -> None:
    open_campaign(stock=43)
    url = URL.format(Campaign.objects.get().pk)
    assert 'name="shown" value="43"' in mina.get(url).content.decode()
    mina.post(f"{url}stock/", {"stock": "50", "shown": "43"})
    second = mina.post(f"{url}stock/", {"stock": "45", "shown": "43"}, follow=True)
    assert "The stock was set to 50 meanwhile" in second.content.decode()
    assert Campaign.objects.get().stock == 50
    mina.post(f"{url}stock/", {"stock": "45", "shown": "50", "confirmed": "stock_lowered"})
    assert Campaign.objects.get().stock == 45


def test_what_has_happened_is_not_ahead_any_more(
    draft: Callable[..., Campaign], mina: Client
) -> None:
    opens = timezone.now() + timedelta(minutes=5)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("sale", actor="mina")
    agenda._agenda.make_anew()
    assert [entry.slug for entry in agenda.next_minutes(opens - timedelta(seconds=1))] == ["sale"]
    assert agenda.next_minutes(opens) == (), "though it was read a moment ago"


def test_sold_out_stands_in_place_of_open(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign(stock=1)
    before = figures(mina)
    assert (before["label"], before["badge"]) == ("open", "state-open")
    Person("jun").claims()
    expire_reading()
    after = figures(mina)
    assert (after["label"], after["badge"]) == ("sold out", "sold-out")
    assert after["verdict_shown"]["word"] == before["verdict_shown"]["word"]
    assert after["verdict_shown"]["topic"] != before["verdict_shown"]["topic"]
    page = mina.get(URL.format(Campaign.objects.get().pk)).content.decode()
    assert '<strong class="state sold-out" data-state="open">sold out</strong>' in page


def test_a_raise_is_undone_from_the_live_page(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign(stock=43)
    url = URL.format(Campaign.objects.get().pk)
    mina.post(f"{url}stock/", {"stock": "60"})
    page = mina.get(url).content.decode()
    assert "Undo: 60 → 43" in page
    assert "coupons/undo.js" in page
    undo = re.search(r'action="([^"]*/undo/[^"]*)"', page)
    assert undo is not None
    answer = mina.post(undo[1], {"from": "live"}, follow=True)
    assert answer.redirect_chain[-1][0] == url
    assert Campaign.objects.get().stock == 43


def test_the_stock_goes_up_and_down(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign(stock=10)
    url = URL.format(Campaign.objects.get().pk) + "stock/"
    for stock in (20, 5):
        typed = {"stock": str(stock), "confirmed": "stock_lowered"}
        assert mina.post(url, typed).status_code == 302
        assert Campaign.objects.get().stock == stock
        assert store().campaigns.gate("sale").stock == stock
    for name in ("jun", "ann"):
        Person(name).claims()
    for refused in ("1", "none", "", "٣", "-1", "9" * 30):
        mina.post(url, {"stock": refused})
        assert Campaign.objects.get().stock == 5
    assert mina.get(url).status_code == 302


def test_the_page_is_whole_without_its_script(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign(stock=3)
    Person("jun").claims()
    page = mina.get(URL.format(Campaign.objects.get().pk)).content.decode()
    for text in ("Going well", "claims a second", 'value="pause"', 'name="stock"', "The sale"):
        assert text in page
    assert "<script>" not in page
    assert "style=" not in page


def test_no_such_campaign(mina: Client) -> None:
    assert mina.get(URL.format(999_999)).status_code == 404
    assert mina.get(URL.format(999_999) + "figures.json").status_code == 404


def test_a_strange_since_is_as_none(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    url = URL.format(Campaign.objects.get().pk) + "figures.json"
    for since in ("", "-5", "x", "٣", "1e9"):
        assert mina.get(url, {"since": since}).status_code == 200


def test_the_figures_are_plain_json(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    assert json.dumps(figures(mina))


def test_a_pause_from_the_live_page_leads_back_and_tells_why(
    draft: Callable[..., Campaign], mina: Client
) -> None:
    opens = timezone.now() + timedelta(minutes=5, seconds=30)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("sale", actor="mina")
    url = URL.format(Campaign.objects.get().pk)
    do = url.replace("live/", "do/pause/")
    assert '<input type="hidden" name="from" value="live">' in mina.get(url).content.decode()
    asked = mina.post(do, {"from": "live"}).content.decode()
    assert '<input type="hidden" name="from" value="live">' in asked
    assert f'<a href="{url}" class="button cancel-link">' in asked
    assert re.search(r"Its opening in 5 min \d+ s is missed, unless it is resumed by then.", asked)
    answer = mina.post(do, {"from": "live", "why": "the price is wrong"}, follow=True)
    assert answer.redirect_chain[-1][0] == url
    expire_reading()
    said = figures(mina)["verdict_shown"]["text"]
    assert re.search(
        r"It is paused, and would open in \S+ Since \S+ \S+ \S+, by mina: the price", said
    )
    lifecycle.resume_campaign("sale", actor="mina")
    lifecycle.pause_campaign("sale", actor="theo", reason="load")
    expire_reading()
    text = mina.get(url, headers={"Accept-Language": "ko"}).content.decode()
    assert "theo: 부하" in text
    resumed = mina.post(url.replace("live/", "do/resume/"), {"from": "live"}, follow=True)
    assert resumed.redirect_chain[-1][0] == url


def test_while_redis_is_away_a_fresh_page_invents_no_zeros(
    open_campaign: CampaignMaker, mina: Client, redis_away: Callable[[], None]
) -> None:
    open_campaign()
    redis_away()
    page = mina.get(URL.format(Campaign.objects.get().pk)).content.decode()
    table = page.partition("<tbody data-outcomes>")[2].partition("</tbody>")[0]
    assert ">?<" in table
    assert "no claims" not in table


def test_the_hold_is_told_for_its_own_moment(
    draft: Callable[..., Campaign], mina: Client, settings: Any
) -> None:
    settings.HOLD_BACK_S = 90.0
    opens = timezone.now() + timedelta(minutes=5)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("sale", actor="mina")
    store().client.set(keys.CANARY, store().server.now_ms() - 600_000)
    told = figures(mina)["verdict_shown"]
    [said] = [each for each in (told, *told["also"]) if "held back" in each["text"]]
    assert re.search(r"It will be held back in 03:[23]\d\.", said["text"]), said["text"]
    shown_clock, moment_ms = said["clock"]
    assert shown_clock in said["text"]
    assert abs(moment_ms - opens.timestamp() * 1000 + 90_000) < 2_000


@pytest.mark.parametrize("strategy", ["queued", "direct"])
def test_quiet_is_counted_from_a_late_resume(
    open_campaign: CampaignMaker, strategy: str, mina: Client
) -> None:
    open_campaign(strategy=strategy, opens_at=timezone.now() - timedelta(minutes=1))
    text = "No claim since"
    assert text in figures(mina)["verdict_shown"]["text"]
    lifecycle.pause_campaign("sale", actor="mina")
    lifecycle.resume_campaign("sale", actor="mina")
    expire_reading()
    assert text not in figures(mina)["verdict_shown"]["text"]
    resumed = Campaign.objects.get().events.filter(kind="resumed")
    resumed.update(at=timezone.now() - timedelta(seconds=20))
    expire_reading()
    assert "No claim since it was resumed 00:2" in figures(mina)["verdict_shown"]["text"]


def test_quiet_is_counted_from_a_late_override(
    draft: Callable[..., Campaign], mina: Client
) -> None:
    opens = timezone.now() + timedelta(minutes=5)
    draft("sale", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("sale", actor="mina")
    opening_hold.hold_opening("sale", checks=["worker"])
    lifecycle.reschedule(
        "sale", opens_at=timezone.now() - timedelta(minutes=1), closes_at=opens, actor="mina"
    )
    opening_hold.override_hold("sale", actor="mina", reason="the worker is up")
    assert "No claim since" not in figures(mina)["verdict_shown"]["text"]


def test_no_rate_is_told_before_one_is_known(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign(opens_at=timezone.now() - timedelta(milliseconds=200))
    Person("jun").claims()
    said = figures(mina)
    assert shown(said, "rate") == "?"
    assert said["verdict_shown"]["text"] == "it begins; the rate is not known yet."


def test_a_request_to_close_is_seen_on_the_page(open_campaign: CampaignMaker, mina: Client) -> None:
    open_campaign()
    url = URL.format(Campaign.objects.get().pk)
    before = figures(mina)["revision"]
    assert "Waits for a second person" not in mina.get(url).content.decode()
    request = approvals.ask_close("sale", actor="theo", reason="the price is wrong")
    expire_reading()
    page = mina.get(url).content.decode()
    assert re.search("Waits for a second person: [a-z ]*close[a-z ]*, asked by theo.", page, re.I)
    assert f"/admin/coupons/approvalrequest/{request.pk}/change/" in page
    assert figures(mina)["revision"] != before, "an open page fetches it"
