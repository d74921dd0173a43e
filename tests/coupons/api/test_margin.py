"""A refusal says by how much one came too late: when it was answered, and when the last coupon
went, both by the clock that decides."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons.admission import refusal_cache, strategies
from coupons.audit.actors import Actor
from coupons.campaigns import lifecycle, lookup
from coupons.claims.values import Claim, Outcome
from coupons.grants import granting
from coupons.issuing.drain import drain
from coupons.models import ActorKind
from coupons.recovery import rebuild
from coupons.store import Grantee, keys, store
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.django_db(transaction=True)


def last_place_at(refused: Any) -> datetime | None:
    said = refused.json()
    assert said["code"] == "sold_out"
    text = said["last_place_at"]
    return None if text is None else datetime.fromisoformat(text)


def grant_to_bob() -> None:
    mina = Actor(ActorKind.OPERATOR, "Mina")
    granting.grant_places("sale", [Grantee("bob", 1, "support")], actor=mina)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.stores
def test_the_refused_learn_when_the_last_place_was_given_and_when_they_were_answered(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=2)
    admitted = [moment(Person(name).claims().json()["admitted_at"]) for name in ("jun", "ann")]
    refused = Person("mina").claims()
    assert last_place_at(refused) == admitted[-1]
    answered_at = moment(refused.json()["answered_at"])
    assert timedelta() <= answered_at - admitted[-1] < timedelta(seconds=10)
    assert refused.json()["detail"] == "All coupons of this campaign have been given away."
    # The holder of the last place is no exception.
    assert Person("ann").claims().status_code == 200


def test_who_is_too_early_after_a_moved_window_reads_the_opening_that_decided(
    open_campaign: CampaignMaker,
) -> None:
    """Another process moved it; this one still has the campaign as it was."""
    opens_at = timezone.now() + timedelta(minutes=10)
    open_campaign(opens_at=opens_at, closes_at=opens_at + timedelta(hours=9))
    later_ms = store().server.now_ms() + 7_200_000
    store().client.hset(keys.campaign_keys("sale").gate, "opens", later_ms)
    for _ in range(2):  # by Redis, then from this process
        said = Person("jun").claims().json()
        assert said["code"] == "not_open"
        assert round(1000 * moment(said["opens_at"]).timestamp()) == later_ms
        assert 7_000 < said["retry_after_s"] <= 7_200


def test_who_is_too_early_learns_when_that_was(open_campaign: CampaignMaker, strategy: str) -> None:
    opens_at = timezone.now() + timedelta(minutes=1)
    open_campaign(strategy=strategy, opens_at=opens_at)
    refused = Person("jun").claims()
    said = refused.json()
    wait_s = (moment(said["opens_at"]) - moment(said["answered_at"])).total_seconds()
    assert 0 < wait_s <= said["retry_after_s"] < wait_s + 1
    assert refused["Retry-After"] == str(said["retry_after_s"])


def test_a_refusal_from_the_cache_is_dated_by_redis_clock_and_not_by_this_hosts(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 60.0)
    open_campaign(stock=1)
    last = moment(Person("holder").claims().json()["admitted_at"])
    Person("first").claims()
    monkeypatch.setattr(time, "time", lambda: 1.0)  # a host in 1970
    before_ms, decided = store().server.now_ms(), count_decisions()
    refused = [Person(f"late-{number}").claims() for number in range(20)]
    assert count_decisions() - decided < 10  # the others were refused from the cache
    after_ms = store().server.now_ms()
    for each in refused:
        answered_ms = moment(each.json()["answered_at"]).timestamp() * 1000
        assert before_ms - 50 <= answered_ms <= after_ms + 50
        assert last_place_at(each) == last


def count_decisions() -> int:
    stats = store().client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


def test_after_a_raised_stock_the_last_place_is_another(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 0)
    open_campaign(stock=1)
    Person("jun").claims()
    assert last_place_at(Person("late").claims()) is not None
    lifecycle.change_stock("sale", stock=2, actor="Mina")
    assert store().client.hget(keys.campaign_keys("sale").gate, "last") is None
    second = moment(Person("ann").claims().json()["admitted_at"])
    assert last_place_at(Person("late").claims()) == second


def test_a_stock_lowered_to_what_was_given_has_no_last_claim(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=3)
    admitted = moment(Person("jun").claims().json()["admitted_at"])
    lifecycle.change_stock("sale", stock=1, actor="Mina")
    told = last_place_at(Person("late").claims())
    assert told == (None if strategy == "queued" else admitted)


def test_a_grant_after_the_sell_out_is_not_the_last_place(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    last = moment(Person("jun").claims().json()["admitted_at"])
    grant_to_bob()
    assert last_place_at(Person("late").claims()) == last


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_rebuilt_campaign_knows_it_again(open_campaign: CampaignMaker, is_stored: bool) -> None:
    open_campaign(stock=2)
    Person("jun").claims()
    last = moment(Person("ann").claims().json()["admitted_at"])
    if is_stored:
        drain("sale", consumer="test")
        store().client.flushall()
    else:
        store().client.delete(keys.campaign_keys("sale").gate)
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert last_place_at(Person("late").claims()) == last


def test_a_rebuild_keeps_what_the_gate_knows(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    last = moment(Person("jun").claims().json()["admitted_at"])
    grant_to_bob()  # now the rows alone can't tell
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert last_place_at(Person("late").claims()) == last


def test_of_a_gate_of_the_release_before_it_is_not_known(open_campaign: CampaignMaker) -> None:
    """Its `admit.lua` wrote no moment; nothing else is different."""
    open_campaign(stock=1)
    Person("jun").claims()
    store().client.hdel(keys.campaign_keys("sale").gate, "last")
    refused = Person("late").claims()
    assert last_place_at(refused) is None
    assert refused.json()["answered_at"]


def test_the_admitted_cost_one_write_more_only_at_the_last_place(
    open_campaign: CampaignMaker,
) -> None:
    sale = open_campaign(stock=3)

    def writes_of(user: str) -> int:
        before = store().client.info("commandstats")["cmdstat_hset"]["calls"]
        assert strategies.admit(sale, Claim(user)).outcome is Outcome.ADMITTED
        return int(store().client.info("commandstats")["cmdstat_hset"]["calls"] - before)

    assert [writes_of(user) for user in ("jun", "ann", "bob")] == [2, 2, 3]


def test_the_korean_refusal_says_the_moments_too(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    Person("jun").claims()
    late = Person("late")
    late.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    refused = late.claims()
    assert refused["Content-Language"] == "ko"
    assert refused.json()["title"] == "선착순 마감"
    assert last_place_at(refused) is not None


def test_a_direct_campaign_with_grants_does_not_guess(open_campaign: CampaignMaker) -> None:
    open_campaign(strategy="direct", stock=1)
    Person("jun").claims()
    grant_to_bob()
    lookup.clear_snapshots()
    assert last_place_at(Person("late").claims()) is None
