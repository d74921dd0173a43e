"""A lost consumer group and other damaged keys of a queue are repaired by themselves (issue 12,
A1)."""

from typing import Any

import pytest

from coupons import store, tasks
from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.issuing import drain, queue
from coupons.models import Coupon
from coupons.monitoring import clock_skew
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import (
    ILL,
    SLUGS,
    Broker,
    handle_wakeups,
    live_gauges,
    lose_wakeups,
    stored_campaigns,
)
from tests.harness import damaged_keys
from tests.harness.store_override import forget_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_a_group_made_anew_reads_what_stood_in_the_queue_and_stores_it_once(
    four_campaigns: dict[str, CampaignSnapshot],
) -> None:
    sale = four_campaigns[ILL]
    for user in ("a", "b", "c"):
        strategies.admit(sale, Claim(user))
    held = queue.read_batch(ILL, consumer="slow", count=2)
    damaged_keys.damage_campaign(ILL, "group destroyed")
    strategies.admit(sale, Claim("d"))
    assert drain.drain(ILL, consumer="quick").stored == 4
    queue.settle_claims(ILL, list(held.claims))
    assert Coupon.objects.filter(campaign__slug=ILL).count() == 5
    assert drain.drain(ILL, consumer="slow") == drain.Drained()


def test_entries_that_a_group_has_passed_by_are_read_again(
    four_campaigns: dict[str, CampaignSnapshot],
) -> None:
    sale = four_campaigns[ILL]
    for user in ("a", "b"):
        strategies.admit(sale, Claim(user))
    store.store().client.xgroup_setid(keys.campaign_keys(ILL).queue, keys.GROUP, "$")
    strategies.admit(sale, Claim("c"))
    assert drain.drain(ILL, consumer="one").stored == 3
    assert store.store().queue.waiting_counts([ILL]) == {ILL: 0}


def test_what_another_drain_holds_is_not_read_again(
    four_campaigns: dict[str, CampaignSnapshot],
) -> None:
    """The negative control of the test above: a held entry was not skipped."""
    for user in ("a", "b"):
        strategies.admit(four_campaigns[ILL], Claim(user))
    assert len(queue.read_batch(ILL, consumer="slow", count=10).claims) == 2
    assert drain.drain(ILL, consumer="one").stored == 0


def test_no_queue_is_made_for_what_is_no_campaign_in_redis(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign("direct", strategy="direct")
    assert drain.drain("direct", consumer="one") == drain.Drained()
    assert not store.store().client.exists(keys.campaign_keys("direct").queue)


# The list of campaigns


@pytest.mark.parametrize("how", ["deleted", "of a wrong type", "with names that are none"])
def test_the_list_that_the_sweep_goes_by_heals(
    four_campaigns: dict[str, CampaignSnapshot], fake_broker: Broker, how: str
) -> None:
    redis: Any = store.store().client
    if how == "with names that are none":
        redis.sadd(keys.INSTALLED, b"\xff\xfe", "no such campaign", "")
    else:
        redis.delete(keys.INSTALLED)
    if how == "of a wrong type":
        redis.set(keys.INSTALLED, "?")
    for sale in four_campaigns.values():
        strategies.admit(sale, Claim("mina"))
    lose_wakeups(fake_broker)
    tasks.compare_the_stores()
    tasks.sweep()
    handle_wakeups(fake_broker)
    assert stored_campaigns("mina") == set(SLUGS)


@pytest.mark.parametrize("said", ["?", None])
def test_a_damaged_mark_of_the_server_heals_by_a_comparison(
    four_campaigns: dict[str, CampaignSnapshot], said: str | None
) -> None:
    redis: Any = store.store().client
    redis.delete(keys.SERVER)
    redis.set(keys.SERVER, said) if said else redis.rpush(keys.SERVER, "?")
    forget_store()
    assert strategies.admit(four_campaigns["p0"], Claim("mina")).place == 2
    assert store.store().server.read_identity().may_decide


@pytest.mark.parametrize("key", [keys.CANARY, keys.SWEPT, keys.CLOCKS])
def test_a_key_that_no_campaign_has_heals_when_it_is_written_again(
    four_campaigns: dict[str, CampaignSnapshot], key: str
) -> None:
    redis: Any = store.store().client
    redis.delete(key)
    redis.rpush(key, "?")
    assert live_gauges()["coupon_waiting_claims"].keys() == set(SLUGS), "a page without one gauge"
    tasks.canary()
    tasks.sweep()
    clock_skew.Reporter().report("test@here")
    assert store.store().wakeups.canary_age_ms() is not None
    assert store.store().wakeups.sweep_age_ms() is not None
    assert [report.process for report in store.store().processes.clock_reports()] in (
        [],
        ["test@here"],
    )


def test_an_entry_with_more_fields_than_lua_can_pass_on_is_parked(
    four_campaigns: dict[str, CampaignSnapshot],
) -> None:
    many = {f"field-{number}": number for number in range(9_000)}
    store.store().client.xadd(keys.campaign_keys(ILL).queue, many)  # type: ignore[arg-type]
    strategies.admit(four_campaigns[ILL], Claim("mina"))
    done = drain.drain(ILL, consumer="one")
    assert (done.stored, done.parked, done.unparked) == (1, 1, 0)
    assert store.store().queue.waiting_counts([ILL]) == {ILL: 0}
