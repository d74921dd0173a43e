"""The demand by seconds: what processes count, what Redis keeps of it, and what MySQL does."""

from typing import Any

import pytest

from config.overload import Shedder
from coupons import tasks
from coupons.campaigns import claim_counts, demand
from coupons.campaigns.demand import DEMAND_BUCKETS_MS, MINUTE_MS
from coupons.errors import StoreAway
from coupons.models import Campaign, CampaignDemand
from coupons.observability import hot_counters
from coupons.store import keys, store
from coupons.store.demand import RING_S, DemandSecond, words_of
from tests.conftest import CampaignMaker, Person, Settings
from tests.harness.another_process import another_process
from tests.harness.one_second import OneSecond

pytestmark = pytest.mark.django_db


def the_campaign(slug: str = "sale") -> Campaign:
    return Campaign.objects.get(slug=slug)


def summed(seconds: list[DemandSecond]) -> dict[str, int]:
    total: dict[str, int] = {}
    for second in seconds:
        for word, count in second.counts.items():
            total[word] = total.get(word, 0) + count
    return total


def write_seconds(*seconds: DemandSecond, slug: str = "sale") -> None:
    """As `count.lua` would have done at that time."""
    for each in seconds:
        second = each.second_ms // 1000
        words = " ".join(f"{word}={count}" for word, count in words_of(each).items())
        field = str(second % RING_S)
        store().client.hset(keys.campaign_keys(slug).demand, field, f"{second} {words}")


def asked_at(second_ms: int, **counts: int) -> DemandSecond:
    return DemandSecond(second_ms, counts, (sum(counts.values()), *[0] * len(DEMAND_BUCKETS_MS)))


def test_outcomes_and_failures_are_counted_by_the_second(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=1)
    before_ms = store().server.now_ms() // 1000 * 1000
    for name in ("jun", "jun", "ann"):
        Person(name).claims()
    hot_counters.count_claim("sale", "queue_full", 2.5)
    hot_counters.count_and_send()
    seconds = demand.read_demand(the_campaign(), before_ms)
    assert summed(seconds) == {"admitted": 1, "already_claimed": 1, "sold_out": 1, "queue_full": 1}
    assert sum(sum(second.latency) for second in seconds) == 4
    assert sum(second.latency[-1] for second in seconds) == 1  # above every bound
    assert all(second.second_ms >= before_ms for second in seconds)


def test_latency_is_counted_in_the_bucket_of_its_upper_bound() -> None:
    for seconds in (0.001, 0.0011, 0.5, 0.999, 1.001):
        hot_counters.count_claim("sale", "admitted", seconds)
    hot_counters.flush_counters()
    counts = hot_counters._buffer.current.unsent
    assert counts == {
        ("sale", "admitted"): 5, ("sale", "<1"): 1, ("sale", "<2"): 1, ("sale", "<500"): 1,
        ("sale", "<1000"): 1, ("sale", ">1000"): 1,
    }  # fmt: skip


def test_two_processes_within_a_second_add_theirs_up(open_campaign: CampaignMaker) -> None:
    open_campaign()
    for _ in range(3):
        Person("jun").claims()
        hot_counters.count_and_send()
    with another_process():
        Person("ann").claims()
        hot_counters.count_and_send()
    assert summed(demand.read_demand(the_campaign())) == {"admitted": 2, "already_claimed": 2}


def test_a_user_at_the_limit_was_turned_away(
    open_campaign: CampaignMaker, settings: Settings, one_second: OneSecond
) -> None:
    open_campaign()
    settings.CLAIMS_PER_USER_PER_S = 1
    answers = [Person("jun").claims().status_code for _ in range(5)]
    assert answers.count(429) == 4
    hot_counters.count_and_send()
    counts = summed(demand.read_demand(the_campaign()))
    assert counts["too_many_requests"] == answers.count(429)
    assert store().live.read_counts("sale").asked == 5 - answers.count(429)


def test_claims_that_an_overloaded_process_refused_were_turned_away(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    Person("jun").claims()  # the process knows the campaign now
    shedder = Shedder(lambda environ, start: [])
    shedder._refuse_for_a_while()
    paths = ("/api/v1/campaigns/sale/claims", "/events/sale/claim", "/events/sale",
             "/api/v1/campaigns/made-up/claims")  # fmt: skip
    for path in paths:
        environ = {"PATH_INFO": path, "REQUEST_METHOD": "POST"}
        assert shedder(environ, lambda status, headers: None)
    hot_counters.count_and_send()
    assert summed(demand.read_demand(the_campaign())) == {"admitted": 1, "overloaded": 2}


def test_made_up_names_get_no_counts(open_campaign: CampaignMaker) -> None:
    open_campaign()
    hot_counters.count_turned_away("made-up", "overloaded")
    hot_counters.flush_counters()
    assert not hot_counters._buffer.current.unsent


def test_the_ring_has_a_bounded_number_of_fields(open_campaign: CampaignMaker) -> None:
    open_campaign()
    now_ms = store().server.now_ms() // 1000 * 1000
    write_seconds(*(asked_at(now_ms - 1000 * ago, admitted=1) for ago in range(3 * RING_S, 0, -1)))
    claim_counts.add_claim_counts({("sale", "admitted"): 7})
    name = keys.campaign_keys("sale").demand
    assert store().client.hlen(name) <= RING_S
    assert 0 < store().client.ttl(name) <= RING_S
    seconds, _ = store().demand.read_seconds("sale")
    assert seconds[-1].counts == {"admitted": 7}  # in place of the second one round before
    assert seconds[0].second_ms >= now_ms - 1000 * RING_S


def test_whole_minutes_are_kept_in_mysql(open_campaign: CampaignMaker) -> None:
    open_campaign()
    minute_ms = store().server.now_ms() // MINUTE_MS * MINUTE_MS
    before = [
        asked_at(minute_ms - 3 * MINUTE_MS + 1000, admitted=5),
        asked_at(minute_ms - 3 * MINUTE_MS + 59_000, sold_out=8),
        asked_at(minute_ms - 2 * MINUTE_MS, sold_out=2, queue_full=1),
    ]
    write_seconds(*before)
    claim_counts.add_claim_counts({("sale", "sold_out"): 1})
    tasks.keep_demand()
    tasks.keep_demand()
    assert CampaignDemand.objects.count() == 2
    store().client.delete(keys.campaign_keys("sale").demand)
    assert demand.read_demand(the_campaign()) == before
    assert demand.kept_demand(the_campaign(), minute_ms - 2 * MINUTE_MS) == before[2:]


def test_a_minute_that_is_kept_is_not_read_twice(open_campaign: CampaignMaker) -> None:
    open_campaign()
    minute_ms = store().server.now_ms() // MINUTE_MS * MINUTE_MS
    write_seconds(asked_at(minute_ms - 2 * MINUTE_MS, admitted=5), asked_at(minute_ms, sold_out=1))
    demand.keep_demand()
    counts = summed(demand.read_demand(the_campaign()))
    assert counts == {"admitted": 5, "sold_out": 1}


def test_of_two_workers_at_the_same_minute_one_keeps_it(open_campaign: CampaignMaker) -> None:
    open_campaign()
    minute_ms = store().server.now_ms() // MINUTE_MS * MINUTE_MS - 2 * MINUTE_MS
    write_seconds(asked_at(minute_ms, admitted=5))
    now_ms = store().server.now_ms()
    kept = [demand._keep_minutes(the_campaign(), 0, now_ms) for _ in range(2)]
    assert kept == [1, 0]
    assert CampaignDemand.objects.count() == 1


def test_the_minute_that_runs_is_not_kept_yet(open_campaign: CampaignMaker) -> None:
    open_campaign()
    claim_counts.add_claim_counts({("sale", "admitted"): 1})
    assert demand.keep_demand() == 0


def test_one_campaigns_damaged_ring_does_not_stop_the_others(open_campaign: CampaignMaker) -> None:
    open_campaign()
    open_campaign("bad")
    minute_ms = store().server.now_ms() // MINUTE_MS * MINUTE_MS - 2 * MINUTE_MS
    write_seconds(asked_at(minute_ms, admitted=5))
    slots: dict[Any, Any] = {
        str(slot): f"{minute_ms // 1000 + 1} nonsense" for slot in range(RING_S)
    }
    store().client.hset(keys.campaign_keys("bad").demand, mapping=slots)
    assert demand.keep_demand() == 1
    assert {row.campaign.slug for row in CampaignDemand.objects.all()} == {"sale"}


def test_what_is_kept_can_be_read_while_redis_is_away(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign()
    minute_ms = store().server.now_ms() // MINUTE_MS * MINUTE_MS
    write_seconds(asked_at(minute_ms - 2 * MINUTE_MS, admitted=5))
    demand.keep_demand()
    redis_away()
    assert summed(demand.kept_demand(the_campaign())) == {"admitted": 5}
    with pytest.raises(StoreAway):
        demand.read_demand(the_campaign())


def test_a_long_sale_keeps_a_bounded_number_of_rows(open_campaign: CampaignMaker) -> None:
    open_campaign()
    write_seconds(asked_at(store().server.now_ms() // 1000 * 1000 - 2 * MINUTE_MS, admitted=5))
    long_ago = Campaign.objects.get().opens_at - demand.KEPT_AFTER
    Campaign.objects.update(opens_at=long_ago)
    assert demand.keep_demand() == 0


def test_keeping_asks_the_database_as_often_for_many_campaigns(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        open_campaign(f"sale-{number}")
    claim_counts.add_claim_counts({(f"sale-{number}", "admitted"): 1 for number in range(5)})
    with django_assert_num_queries(3):  # the clock, the campaigns, what is kept
        demand.keep_demand()
