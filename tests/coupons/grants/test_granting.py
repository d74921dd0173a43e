"""Grants: named users get a place, whatever window, pause and stock say, and nobody pays for it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from coupons import store
from coupons.admission import strategies
from coupons.audit.actors import Actor
from coupons.campaigns import lifecycle, slots, update
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Outcome
from coupons.errors import (
    IllegalTransition,
    NotInstalled,
    OutcomeUnknown,
    ServerChanged,
    StockBelowAdmitted,
    UnknownCampaign,
)
from coupons.grants import granting
from coupons.grants.verdicts import Granted, Refusal, Verdict
from coupons.issuing.drain import drain
from coupons.models import ActorKind, Campaign, CampaignEvent, Coupon, Tally
from coupons.recovery import failover, rebuild, reconcile
from coupons.store import Grantee, keys
from tests.conftest import CampaignMaker, Settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

MINA = Actor(ActorKind.OPERATOR, "Mina")


def grant_users(*users: str, slug: str = "sale", nth: int = 1) -> list[Granted]:
    return granting.grant_places(
        slug, [Grantee(user, nth, f"support-{user}") for user in users], actor=MINA
    )


def claim_place(campaign: CampaignSnapshot, user: str) -> int:
    return strategies.admit(campaign, Claim(user)).place


def stored_places(campaign: CampaignSnapshot) -> dict[str, int]:
    if campaign.strategy == Campaign.Strategy.QUEUED:
        drain(campaign.slug, consumer="one")
    return dict(Coupon.objects.values_list("user", "place"))


def test_a_grant_takes_no_unit_from_the_public(open_campaign: CampaignMaker, strategy: str) -> None:
    campaign = open_campaign(stock=2, strategy=strategy)
    assert claim_place(campaign, "ann") == 1
    assert [(one.verdict, one.place) for one in grant_users("jun", "bob")] == [
        (Verdict.GRANTED, 2),
        (Verdict.GRANTED, 3),
    ]
    assert claim_place(campaign, "mina") == 4
    assert strategies.admit(campaign, Claim("late")).outcome == Outcome.SOLD_OUT
    assert stored_places(campaign) == {"ann": 1, "jun": 2, "bob": 3, "mina": 4}
    row = Campaign.objects.get()
    assert (row.stock, row.granted, slots.count_slots(row)) == (4, 2, 4)
    assert Coupon.objects.get(user="jun").request_id == "support-jun"
    assert CampaignEvent.objects.filter(kind="granted").get().data == {"count": 2}


def test_a_grant_leaves_no_unit_to_the_public(open_campaign: CampaignMaker, strategy: str) -> None:
    """Also one that gave nothing, because the user has a place: the slots made for it go."""
    campaign = open_campaign(stock=1, strategy=strategy)
    first = claim_place(campaign, "ann")
    stored_places(campaign)
    (again,) = grant_users("ann")
    assert (again.verdict, again.place) == (Verdict.HAS_PLACE, first)
    assert strategies.admit(campaign, Claim("late")).outcome == Outcome.SOLD_OUT
    row = Campaign.objects.get()
    assert (row.stock, row.granted, slots.count_slots(row)) == (1, 0, 1)
    assert row.slots_to_keep is None


def test_it_ignores_window_and_pause(open_campaign: CampaignMaker, strategy: str) -> None:
    now = timezone.now()
    campaign = open_campaign(
        strategy=strategy, opens_at=now + timedelta(hours=1), closes_at=now + timedelta(hours=2)
    )
    assert grant_users("ann")[0].place == 1  # before it opens
    lifecycle.pause_campaign("sale", actor="Mina")
    assert grant_users("bob")[0].place == 2
    lifecycle.close_campaign("sale", actor="Mina")
    assert grant_users("jun")[0].place == 3
    assert stored_places(campaign) == {"ann": 1, "bob": 2, "jun": 3}


def test_one_user_named_twice_gets_one_place(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, per_user=2)
    first, second = granting.grant_places(
        "sale", [Grantee("ann", 1, "line-1"), Grantee("ann", 1, "line-2")], actor=MINA
    )
    assert [first.verdict, second.verdict] == [Verdict.GRANTED, Verdict.HAS_PLACE]
    assert first.place == second.place == 1
    assert grant_users("ann", nth=2)[0].place == 2


def test_what_can_not_be_granted_is_refused_with_its_reason(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy)
    lone_surrogate = "\ud800"
    done = grant_users("", "x" * 129, lone_surrogate, "ann")
    assert [one.reason for one in done] == [Refusal.BAD_USER] * 3 + [""]
    assert done[3].place == 1
    assert grant_users("bob", nth=2)[0].reason == Refusal.BAD_NTH
    now = timezone.now()
    Campaign.objects.update(
        valid_days=None,
        closes_at=now - timedelta(milliseconds=500),
        opens_at=now - timedelta(seconds=1),
        valid_until=now - timedelta(milliseconds=400),
    )
    assert grant_users("jun")[0].reason == Refusal.NO_TIME_LEFT


def test_a_draft_and_an_unknown_campaign_grant_nothing(draft: Any) -> None:
    draft()
    with pytest.raises(IllegalTransition):
        grant_users("ann")
    with pytest.raises(UnknownCampaign):
        grant_users("ann", slug="nothing")


def test_a_full_queue_asks_to_come_again(open_campaign: CampaignMaker, settings: Settings) -> None:
    settings.LONGEST_QUEUE = 2
    campaign = open_campaign(stock=5)
    assert [one.verdict for one in grant_users("ann", "bob", "jun")] == [
        Verdict.GRANTED, Verdict.GRANTED, Verdict.LATER,
    ]  # fmt: skip
    assert len(stored_places(campaign)) == 2
    assert grant_users("jun")[0].place == 3
    assert Campaign.objects.get().stock == 8


def test_a_campaign_that_redis_lost_grants_nothing_until_rebuilt(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=3)
    grant_users("ann", "bob")
    stored_places(campaign)
    store.store().client.flushall()
    with pytest.raises(NotInstalled):
        grant_users("jun")
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert [one.place for one in grant_users("ann", "bob", "jun")] == [1, 2, 3]
    assert [claim_place(campaign, f"user-{n}") for n in range(4)] == [4, 5, 6, 0]
    assert len(stored_places(campaign)) == 6
    assert (Campaign.objects.get().stock, store.store().campaigns.gate("sale").stock) == (6, 6)


# A process that dies between the step in Redis and its commit


@pytest.fixture
def dead_after_redis(open_campaign: CampaignMaker) -> CampaignSnapshot:
    """Two grants that Redis knows and MySQL does not count: their process died before it committed;
    the public has one unit left."""
    campaign = open_campaign(stock=2)
    claim_place(campaign, "ann")
    row = Campaign.objects.get()
    slots.make_slots_above(row, 2)
    store.store().grants.grant(
        "sale",
        [Grantee("bob", 1, "r"), Grantee("jun", 1, "r")],
        per_user=1,
        filter_blocks=campaign.filter_blocks,
    )
    return campaign


def only_one_unit_is_left(campaign: CampaignSnapshot) -> None:
    assert [claim_place(campaign, f"user-{n}") for n in range(2)] == [4, 0]
    assert len(stored_places(campaign)) == 4
    (report,) = [reconcile.compare_campaign("sale")]
    assert report.left == 0


def test_the_unit_does_not_leak_when_the_definition_is_written(
    dead_after_redis: CampaignSnapshot,
) -> None:
    lifecycle.pause_campaign("sale", actor="Mina")
    lifecycle.resume_campaign("sale", actor="Mina")
    only_one_unit_is_left(dead_after_redis)
    assert Campaign.objects.get().granted == 2


def test_the_unit_does_not_leak_over_a_rebuild(dead_after_redis: CampaignSnapshot) -> None:
    rebuild.rebuild_campaign("sale", actor="Mina")
    only_one_unit_is_left(dead_after_redis)
    assert grant_users("bob")[0].verdict is Verdict.HAS_PLACE


def test_the_unit_does_not_leak_over_a_failover(dead_after_redis: CampaignSnapshot) -> None:
    store.store().client.set(keys.SERVER, "another")
    assert failover.verify_server()
    only_one_unit_is_left(dead_after_redis)


def test_a_change_of_the_stock_counts_them_first(dead_after_redis: CampaignSnapshot) -> None:
    """Saving the stock as MySQL has it removes no slot of a place that was given."""
    lifecycle.change_stock("sale", stock=4, actor="Mina")
    row = Campaign.objects.get()
    assert (row.stock, row.granted, row.slots_to_keep) == (4, 2, None)
    only_one_unit_is_left(dead_after_redis)


def test_the_next_grant_counts_them(dead_after_redis: CampaignSnapshot) -> None:
    assert grant_users("bob")[0].verdict is Verdict.HAS_PLACE
    row = Campaign.objects.get()
    assert (row.stock, row.granted) == (4, 2)
    only_one_unit_is_left(dead_after_redis)


def test_negative_control_without_the_gates_own_count_the_campaign_can_not_even_be_paused(
    dead_after_redis: CampaignSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update, "settle_grants", lambda campaign: 0)
    store.store().client.hdel(keys.campaign_keys("sale").gate, "granted")
    with pytest.raises(StockBelowAdmitted):
        lifecycle.pause_campaign("sale", actor="Mina")


def test_negative_control_counting_before_redis_leaks_units_to_the_public(
    open_campaign: CampaignMaker,
) -> None:
    """The other order: the stock is raised and committed, then the process dies. Whatever writes
    the definition next gives the unit to the first who asks."""
    campaign = open_campaign(stock=1)
    claim_place(campaign, "ann")
    row = Campaign.objects.get()
    slots.make_slots_above(row, 1)
    Campaign.objects.update(stock=2)
    lifecycle.pause_campaign("sale", actor="Mina")
    lifecycle.resume_campaign("sale", actor="Mina")
    assert claim_place(campaign, "stranger") == 2


# Rebuilds, failovers and reconcile after grants


def test_a_failover_to_a_server_that_lacks_the_last_grants_gives_no_place_twice(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=2)
    grant_users("ann")
    gate = keys.campaign_keys("sale").gate
    client: Any = store.store().client
    before = {name: client.dump(name) for name in client.keys("coupon:{sale}:*")}
    grant_users("bob", "jun")
    stored_places(campaign)
    for name, value in before.items():  # what the replica had
        client.restore(name, 0, value, replace=True)
    assert client.hget(gate, "granted") == b"1"
    client.set(keys.SERVER, "another")
    assert failover.verify_server()
    assert [claim_place(campaign, name) for name in ("x", "y", "z")] == [4, 5, 0]
    assert [one.place for one in grant_users("ann", "bob", "jun")] == [1, 2, 3]
    assert (Campaign.objects.get().stock, int(client.hget(gate, "stock"))) == (5, 5)


def test_reconcile_finds_granted_places_in_order(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=3)
    claim_place(campaign, "ann")
    grant_users(*[f"user-{n}" for n in range(20)])
    stored_places(campaign)
    assert reconcile.reconcile_campaigns() == []
    report = reconcile.compare_campaign("sale")
    assert (report.admitted, report.stored, report.left) == (21, 21, 0)
    tally = Tally.objects.get()
    assert (tally.stored, tally.highest) == (21, 21)


def test_the_public_stock_does_not_change_with_grants(
    open_campaign: CampaignMaker, person: Any
) -> None:
    open_campaign(stock=3)
    grant_users("ann", "bob")
    shown = person("jun").asks("campaigns/sale").json()
    assert (shown["stock"], shown["remaining"]) == (3, 3)
    lifecycle.pause_campaign("sale", actor="Mina")
    shown = person("jun").asks("campaigns/sale").json()
    assert (shown["stock"], shown["remaining"]) == (3, 3)


def test_a_grant_that_no_replica_confirms_is_unknown_and_asked_for_again(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    """Nothing was counted in MySQL; the next grant finds what Redis has given."""
    settings.REDIS_WAIT_REPLICAS, settings.REDIS_WAIT_MS = 1, 1
    campaign = open_campaign(stock=1)
    with pytest.raises(OutcomeUnknown):
        grant_users("ann")
    assert Campaign.objects.get().granted == 0
    settings.REDIS_WAIT_REPLICAS = 0
    assert grant_users("ann")[0].verdict is Verdict.HAS_PLACE
    assert Campaign.objects.get().granted == 1
    assert [claim_place(campaign, user) for user in ("bob", "late")] == [2, 0]


def test_a_server_that_was_not_compared_grants_nothing(open_campaign: CampaignMaker) -> None:
    """It may be a promoted replica that lacks the last places."""
    open_campaign(stock=1)
    store.store().client.set(keys.SERVER, "another")
    with pytest.raises(ServerChanged):
        grant_users("ann")
    assert failover.verify_server()
    assert grant_users("ann")[0].place == 1


def test_slots_are_committed_before_redis_gives_their_places(open_campaign: CampaignMaker) -> None:
    """In a caller's transaction they would not be."""
    open_campaign()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        grant_users("ann")
