"""Failover: a promoted Redis decides only after it was compared with MySQL. Real replicas."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as driver

from coupons import store, tasks
from coupons.admission import refusal_cache, strategies
from coupons.campaigns import lifecycle, lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Outcome
from coupons.errors import NotInstalled, StaleClaims, StoreAway
from coupons.issuing import queue, writer
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon
from coupons.recovery import failover, rebuild, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker, Settings
from tests.harness import servers
from tests.harness.store_override import forget_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].partition("/")[0])


class Pair:
    """A primary and its replica. The application uses the one that `settings.REDIS_URL` names."""

    def __init__(self, settings: Settings, primary: str, replica: str) -> None:
        self.settings, self.primary, self.replica = settings, primary, replica
        settings.REDIS_TIMEOUT_S = 5  # a server that has just started is slow at times
        self.of_replica: Any = driver.Redis.from_url(replica)
        self.use_redis(primary)

    def use_redis(self, url: str) -> None:
        self.settings.REDIS_URL = url
        forget_store()
        lookup.clear_snapshots()
        refusal_cache.clear_refusals()

    def in_step(self) -> None:
        """Wait until the replica has all decisions so far."""
        of_primary: Any = driver.Redis.from_url(self.primary)
        deadline = time.monotonic() + 60
        while of_primary.wait(1, 500) < 1:
            assert time.monotonic() < deadline

    def cut_replica(self) -> None:
        """Stop the replication and promote the replica; no client uses it yet."""
        self.in_step()
        self.of_replica.replicaof("NO", "ONE")

    def failed_over(self) -> None:
        self.use_redis(self.replica)


@pytest.fixture
def redis_pair(tmp_path: Path, settings: Settings) -> Iterator[Pair]:
    at_once = ("--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0")
    with servers.start_redis(tmp_path / "a", extra=at_once) as primary:
        replica_of = ("--replicaof", f"127.0.0.1 {port_of(primary)}", *at_once)
        with servers.start_redis(tmp_path / "b", extra=replica_of) as replica:
            yield Pair(settings, primary, replica)
    forget_store()


def admit_users(campaign: CampaignSnapshot, users: range) -> list[int]:
    return [strategies.admit(campaign, Claim(f"user-{n}")).place for n in users]


def test_places_stored_before_a_failover_are_not_given_again_after_it(
    redis_pair: Pair, open_campaign: CampaignMaker
) -> None:
    campaign = open_campaign(stock=20)
    admit_users(campaign, range(1, 6))
    redis_pair.cut_replica()
    assert admit_users(campaign, range(6, 9)) == [6, 7, 8]
    drain("sale", consumer="one")  # stored, and no replica knows of them
    redis_pair.failed_over()
    assert strategies.admit(campaign, Claim("late")).place == 9
    again = strategies.admit(campaign, Claim("user-7"))
    assert (again.outcome, again.place) == (Outcome.ALREADY_CLAIMED, 7)
    done = drain("sale", consumer="one")
    assert (Coupon.objects.count(), done.parked) == (9, 0)


def test_negative_control_without_the_failover_check_a_stored_place_is_given_again(
    redis_pair: Pair, open_campaign: CampaignMaker
) -> None:
    campaign = open_campaign(stock=20)
    admit_users(campaign, range(1, 6))
    redis_pair.cut_replica()
    admit_users(campaign, range(6, 9))
    drain("sale", consumer="one")
    redis_pair.failed_over()
    store.store().server.mark_verified(
        store.store().server.read_identity().identity
    )  # not compared
    late = strategies.admit(campaign, Claim("late"))
    assert (late.outcome, late.place) == (Outcome.ADMITTED, 6)
    assert drain("sale", consumer="one").parked == 1  # told, and not stored


def test_claims_that_a_drain_held_during_a_failover_are_not_stored(
    redis_pair: Pair, open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from the old primary and stored too late: another user may hold the place by now."""
    campaign = open_campaign(stock=20)
    admit_users(campaign, range(1, 6))
    drain("sale", consumer="one")
    redis_pair.cut_replica()
    admit_users(campaign, range(6, 9))
    held = store.store().queue.read_new("sale", consumer="slow", count=10)
    redis_pair.failed_over()
    assert strategies.admit(campaign, Claim("late")).place == 6
    drain("sale", consumer="one")
    assert held.epoch != Campaign.objects.get().epoch
    assert dict(Coupon.objects.values_list("place", "user"))[6] == "late"


def test_a_replica_decides_nothing_even_before_it_refuses_to_write(
    redis_pair: Pair, open_campaign: CampaignMaker
) -> None:
    campaign = open_campaign()
    redis_pair.in_step()
    redis_pair.use_redis(redis_pair.replica)
    with pytest.raises(StoreAway):
        strategies.admit(campaign, Claim("mina"))


def test_a_change_that_the_replica_missed_is_made_again(
    redis_pair: Pair, open_campaign: CampaignMaker
) -> None:
    campaign = open_campaign()
    redis_pair.cut_replica()
    lifecycle.pause_campaign("sale", actor="Mina")
    redis_pair.failed_over()
    assert strategies.admit(campaign, Claim("mina")).outcome == Outcome.PAUSED


def test_a_campaign_scheduled_behind_the_replicas_back_stays_closed(
    redis_pair: Pair, open_campaign: CampaignMaker
) -> None:
    open_campaign()
    redis_pair.cut_replica()
    other = open_campaign("other")
    redis_pair.failed_over()
    with pytest.raises(NotInstalled):
        strategies.admit(other, Claim("mina"))
    rebuild.rebuild_campaign("other", actor="Mina")
    assert strategies.admit(other, Claim("mina")).place == 1


def test_an_old_primary_that_comes_back_later_is_compared_again(
    redis_pair: Pair, open_campaign: CampaignMaker
) -> None:
    """Switching there and back: a verified server must be verified again after another decided."""
    campaign = open_campaign()
    redis_pair.cut_replica()
    redis_pair.failed_over()
    assert strategies.admit(campaign, Claim("mina")).place == 1
    drain("sale", consumer="one")
    redis_pair.use_redis(redis_pair.primary)  # it does not know that it is no longer the primary
    assert failover.verify_server()
    epoch = Campaign.objects.get().epoch
    assert store.store().recovery.gate_marks(["sale"])["sale"].epoch != epoch
    reconcile.reconcile_campaigns()  # its gate has an outdated epoch
    assert strategies.admit(campaign, Claim("jun")).place == 2


def test_a_restart_costs_a_comparison_and_no_operator(
    tmp_path: Path, settings: Settings, open_campaign: CampaignMaker
) -> None:
    port = servers.free_port()
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    forget_store()
    with servers.start_redis(tmp_path / "r", port=port):
        campaign = open_campaign()
        admit_users(campaign, range(1, 4))
        first = store.store().server.read_identity()
    with servers.start_redis(tmp_path / "r", port=port):
        assert store.store().server.read_identity().identity != first.identity
        assert admit_users(campaign, range(1, 6)) == [1, 2, 3, 4, 5]
        assert store.store().server.read_identity().may_decide
        assert drain("sale", consumer="one").stored == 5
    forget_store()


def test_the_sweep_compares_a_server_without_traffic(open_campaign: CampaignMaker) -> None:
    open_campaign()
    store.store().server.mark_verified("another server")
    tasks.sweep()
    assert store.store().server.read_identity().may_decide


def test_two_processes_that_find_a_new_server_rebuild_a_campaign_once(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    store.store().server.mark_verified("another server")
    assert failover.verify_server()
    epoch = Campaign.objects.get().epoch
    store.store().server.mark_verified("another server")
    assert failover.verify_server()
    assert Campaign.objects.get().epoch == epoch


# Many campaigns at once


def gates_of(slugs: list[str]) -> dict[str, int]:
    gates = store.store().campaigns.gates(slugs)
    return {slug: gate.admitted for slug, gate in gates.items() if gate is not None}


def test_many_campaigns_are_rebuilt_together_and_each_correctly(
    redis_pair: Pair, open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle campaigns, one with waiting claims, one that lost its latest admissions, one foreign."""
    monkeypatch.setattr("coupons.recovery.rebuild.TOGETHER", 2)
    slugs = ["idle", "waits", "lost", "paused", "foreign"]
    made = {slug: open_campaign(slug, stock=10) for slug in slugs}
    admit_users(made["waits"], range(1, 4))
    admit_users(made["lost"], range(1, 3))
    redis_pair.cut_replica()
    admit_users(made["lost"], range(3, 6))
    drain("lost", consumer="one")
    lifecycle.pause_campaign("paused", actor="Mina")
    Campaign.objects.filter(slug="foreign").update(epoch="somebody-elses")
    one_by_one: list[str] = []
    renew = rebuild.renew_campaign

    def record_and_rebuild(slug: str, *, actor: str) -> rebuild.Rebuilt:
        one_by_one.append(slug)
        return renew(slug, actor=actor)

    monkeypatch.setattr(rebuild, "renew_campaign", record_and_rebuild)
    redis_pair.failed_over()
    assert failover.verify_server()
    assert one_by_one == ["foreign"]
    assert gates_of(slugs) == {"idle": 0, "waits": 3, "lost": 5, "paused": 0, "foreign": 0}
    assert strategies.admit(made["lost"], Claim("user-4")).place == 4
    assert strategies.admit(made["waits"], Claim("late")).place == 4
    assert drain("waits", consumer="one").stored == 4
    assert strategies.admit(made["paused"], Claim("late")).outcome == Outcome.PAUSED
    marks = store.store().recovery.gate_marks(slugs)
    rows = dict(Campaign.objects.values_list("slug", "epoch"))
    assert {slug for slug in slugs if marks[slug].epoch == rows[slug]} == set(slugs) - {"foreign"}


def test_claims_that_a_drain_held_are_refused_after_a_common_rebuild(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign()
    admit_users(campaign, range(1, 3))
    held = queue.read_batch("sale", consumer="slow", count=10)
    store.store().client.hdel(keys.campaign_keys("sale").gate, "server")
    store.store().server.mark_verified("another server")
    assert failover.verify_server()
    with pytest.raises(StaleClaims):
        writer.store_batch(campaign, list(held.claims.values()), epoch=held.epoch)


@pytest.mark.parametrize("line", ["close_gates", "open_gates"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_common_rebuild_that_dies_is_started_again(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch, line: str, when: str
) -> None:
    campaign = open_campaign()
    admit_users(campaign, range(1, 3))
    store.store().server.mark_verified("another server")
    real = getattr(store.store().recovery, line)

    def die_around_call(*asked: Any, **more: Any) -> Any:
        if when == "after":
            real(*asked, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(store.store().recovery, line, die_around_call)
        failover.verify_server()
    assert not store.store().server.read_identity().may_decide
    assert failover.verify_server()
    assert strategies.admit(campaign, Claim("late")).place == 3
    assert drain("sale", consumer="one").stored == 3
