"""Failures are isolated per campaign: if one is damaged in Redis or locked in MySQL, the work on
all others goes on, and the log names the one that failed (issue 12, A1)."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from coupons import store, tasks
from coupons.admin.campaigns import live_panel
from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import StoreError
from coupons.models import Campaign, EventKind, Tally
from coupons.readiness import board, guard
from coupons.recovery import failover, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import (
    ILL,
    SLUGS,
    WELL,
    Broker,
    everybody_asks,
    handle_wakeups,
    live_gauges,
    log_lines,
    lose_wakeups,
    stored_campaigns,
)
from tests.harness import damaged_keys
from tests.harness.store_override import forget_store

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]


@pytest.mark.parametrize("how", damaged_keys.ALL)
def test_whatever_is_damaged_of_one_campaign_the_work_on_all_others_goes_on(
    four_campaigns: dict[str, CampaignSnapshot], fake_broker: Broker, how: str
) -> None:
    damaged_keys.damage_campaign(ILL, how)
    stored_by_the_sweep(four_campaigns, fake_broker, how)
    stored_by_a_bell_for_each(four_campaigns)
    told_by_the_gauges(how)
    told_by_the_admin(how)
    compared_with_mysql(four_campaigns, fake_broker)
    admitted_after_a_restart_of_redis(four_campaigns)


def stored_by_the_sweep(sales: dict[str, CampaignSnapshot], broker: Broker, how: str) -> None:
    for user in ("mina", "jun"):  # again and again
        everybody_asks(sales, user)
        lose_wakeups(broker)
        tasks.sweep()
        handle_wakeups(broker)
        assert stored_campaigns(user) >= set(WELL)
    if how in damaged_keys.LOST_GROUP or "bell" in how or "facts" in how:
        assert stored_campaigns("jun") == set(SLUGS), "this one heals"
    states = dict(Campaign.objects.values_list("slug", "state"))
    assert {states[slug] for slug in WELL} == {"open"}


def stored_by_a_bell_for_each(sales: dict[str, CampaignSnapshot]) -> None:
    everybody_asks(sales, "sora")
    for slug in SLUGS:
        tasks.drain(slug)
    assert stored_campaigns("sora") >= set(WELL)


def told_by_the_gauges(how: str) -> None:
    told = live_gauges()
    assert set(told["coupon_waiting_claims"]) >= set(WELL)
    bad = {slug for slug, count in told["coupon_damaged_keys"].items() if count}
    assert bad == {ILL} if is_seen(how) else bad <= {ILL}


def told_by_the_admin(how: str) -> None:
    rows = {row.slug: row for row in Campaign.objects.all()}
    counts = live_panel.live_counts(list(rows.values()))
    assert all(counts[rows[slug].pk].admitted == 4 for slug in WELL)
    others = {line.name for line in board.readiness_board(WELL[0]).reds}
    assert not others & {"keys", "drain", "both_stores", "redis", "memory"}
    lines = {line.name: line for line in board.readiness_board(ILL).lines}
    assert {"keys", "drain", "both_stores", "slots"} <= lines.keys()
    if is_seen(how):
        assert lines["keys"].light == "red"
        assert lines["keys"].do


def compared_with_mysql(sales: dict[str, CampaignSnapshot], broker: Broker) -> None:
    everybody_asks(sales, "late")
    redis: Any = store.store().client
    for slug in WELL:
        redis.xtrim(keys.campaign_keys(slug).queue, maxlen=0, approximate=False)  # lost on the way
    for _look in range(2):  # the second continues the repair that the first began
        tasks.compare_the_stores()
    broker.append(SLUGS)
    handle_wakeups(broker)
    assert stored_campaigns("late") >= set(WELL)
    assert {counts.slug for counts in reconcile.count_claims(reconcile.watched_campaigns())} >= set(
        WELL
    )


def admitted_after_a_restart_of_redis(sales: dict[str, CampaignSnapshot]) -> None:
    store.store().server.mark_verified("another server")
    forget_store()  # connections were lost, too
    assert failover.verify_server()
    for slug in WELL:
        assert strategies.admit(sales[slug], Claim("last")).place == 6
    epochs = dict(Campaign.objects.values_list("slug", "epoch"))
    marks = store.store().recovery.gate_marks(WELL)
    assert all(marks[slug].epoch == epochs[slug] for slug in WELL)


def is_seen(how: str) -> bool:
    """Whether the fault shows in the keys; a wake-up flag of a wrong type is set again by the
    sweep."""
    return (how in damaged_keys.WRONG_TYPE and "bell" not in how) or how == "stock is no number"


def test_the_guard_looks_at_all_others(
    open_campaign: CampaignMaker, fake_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    soon = timezone.now() + timedelta(seconds=30)
    for slug in SLUGS:
        open_campaign(slug, opens_at=soon, closes_at=soon + timedelta(hours=1))
    damaged_keys.damage_campaign(ILL, "gate is a string")
    Tally.objects.filter(campaign__slug="p2").delete()
    assert guard.guard_openings() == len(SLUGS)
    for slug in WELL:
        assert Campaign.objects.get(slug=slug).events.filter(kind=EventKind.WARMED_UP).exists()
    assert ILL in log_lines(caplog)


# Errors, told apart


@pytest.mark.parametrize("key", ["gate", "queue"])
def test_an_error_about_a_key_opens_no_breaker(
    four_campaigns: dict[str, CampaignSnapshot], key: str
) -> None:
    damaged_keys.damage_campaign(ILL, f"{key} is a string")
    for _ in range(20):
        with pytest.raises(StoreError):
            strategies.admit(four_campaigns[ILL], Claim("mina"))
        with pytest.raises(StoreError):
            store.store().campaigns.gate(ILL)
    assert not store.store().breaker.open
    assert strategies.admit(four_campaigns["p0"], Claim("mina")).place == 2


def test_each_campaign_gets_its_own_answer_or_its_own_failure(
    four_campaigns: dict[str, CampaignSnapshot],
) -> None:
    damaged_keys.damage_campaign(ILL, "queue is a string")
    damaged_keys.damage_campaign("p2", "gate is a string")
    redis = store.store()
    assert redis.queue.waiting_counts(SLUGS).failed.keys() == {ILL}
    assert redis.queue.waiting_since(SLUGS).failed.keys() == {ILL}
    assert redis.campaigns.gates(SLUGS).failed.keys() == {ILL, "p2"}
    assert redis.recovery.gate_marks(SLUGS).failed.keys() == {"p2"}
    assert redis.campaigns.gates(SLUGS).keys() == set(SLUGS) - {ILL, "p2"}
    assert redis.recovery.close_gates([(slug, "e.1", 512) for slug in SLUGS]).failed.keys() == {
        "p2"
    }
    with pytest.raises(StoreError, match="p2"):
        redis.campaigns.gates(SLUGS).result("p2")


def test_an_unreadable_snapshot_is_read_from_mysql(
    four_campaigns: dict[str, CampaignSnapshot],
) -> None:
    for how in damaged_keys.GARBAGE:
        if how.startswith("facts"):
            damaged_keys.damage_campaign(ILL, how)
            lookup.clear_snapshots()
            assert lookup.find_snapshot(ILL) == four_campaigns[ILL], how


def test_commands_for_all_campaigns_go_on_after_one_that_fails(
    four_campaigns: dict[str, CampaignSnapshot], capsys: pytest.CaptureFixture[str]
) -> None:
    Tally.objects.filter(campaign__slug=ILL).delete()
    store.store().client.delete(*(keys.campaign_keys(slug).gate for slug in SLUGS))
    with pytest.raises(CommandError, match=f"Not rebuilt: {ILL}\\."):
        call_command("rebuild", "--all")
    damaged_keys.damage_campaign("p0", "claimants is a string")
    with pytest.raises(CommandError, match=f"Not in order: .*{ILL}"):
        call_command("reconcile")
    said = capsys.readouterr()
    assert all(f"{slug}: " in said.out for slug in ("p2", "p3"))
    assert all(f"{slug}: " in said.err for slug in (ILL, "p0"))
