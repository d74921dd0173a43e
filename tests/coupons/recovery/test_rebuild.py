"""Rebuild: a Redis that lost its data gets it back from MySQL and the queue, and nothing else."""

from typing import Any

import pytest

from coupons import store
from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import NotInstalled, Overtaken
from coupons.issuing.drain import drain
from coupons.models import Campaign, CampaignEvent, Coupon, Tally
from coupons.recovery import highest_place, rebuild, reconcile
from coupons.recovery.known_claims import KnownClaims
from coupons.store import keys
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit_users(campaign: CampaignSnapshot, users: range | list[str]) -> dict[str, Admission]:
    names = users if isinstance(users, list) else [f"user-{n}" for n in users]
    return {name: strategies.admit(campaign, Claim(name)) for name in names}


def lose_keys(*names: str) -> None:
    """Delete these keys of the sale from Redis; all keys if none is named."""
    client: Any = store.store().client
    if names:
        client.delete(*names)
    else:
        client.flushall()


def test_a_campaign_that_redis_lost_is_closed_until_rebuilt_and_then_goes_on_above(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    told = admit_users(campaign, range(6))
    drain("sale", consumer="one")
    lose_keys()
    with pytest.raises(NotInstalled):
        strategies.admit(campaign, Claim("late"))
    done = rebuild.rebuild_campaign("sale", actor="Mina")
    assert (done.claimants, done.highest, done.waiting) == (6, 6, 0)
    again = admit_users(campaign, range(6))
    assert all(again[user].outcome == Outcome.ALREADY_CLAIMED for user in told)
    assert [(a.place, a.at_ms) for a in again.values()] == [
        (a.place, a.at_ms) for a in told.values()
    ]
    assert [strategies.admit(campaign, Claim(f"late-{n}")).place for n in range(5)] == [
        7, 8, 9, 10, 0,
    ]  # fmt: skip
    drain("sale", consumer="one")
    assert Coupon.objects.count() == 10


def test_a_claim_that_waits_outlives_a_gate_that_is_gone(open_campaign: CampaignMaker) -> None:
    """Redis lost some of its keys: claims still in the queue are stored, and their users known."""
    campaign = open_campaign(stock=10)
    told = admit_users(campaign, range(4))
    names = keys.campaign_keys("sale")
    lose_keys(names.gate, names.filter, names.claimants)
    done = rebuild.rebuild_campaign("sale", actor="Mina")
    assert (done.waiting, done.highest) == (4, 4)
    assert admit_users(campaign, ["user-2"])["user-2"].place == told["user-2"].place
    assert admit_users(campaign, ["late"])["late"].place == 5
    assert drain("sale", consumer="one").stored == 5


def test_negative_control_numbering_from_the_count_gives_a_place_twice(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places 1 and 2 were given and lost with Redis; 3 is stored. Counting rows yields one."""

    def admit_and_lose() -> CampaignSnapshot:
        campaign = open_campaign(stock=10)
        admit_users(campaign, range(1, 4))
        first: Any = store.store().queue.waiting_entries("sale")[:2]
        store.store().client.xdel(keys.campaign_keys("sale").queue, *(entry.id for entry in first))
        assert drain("sale", consumer="one").stored == 1
        lose_keys()
        return campaign

    campaign = admit_and_lose()

    def number_from_count(_: Any, closed: list[Any]) -> list[Any]:
        for each in closed:
            each.highest = Coupon.objects.count()
        return closed

    monkeypatch.setattr(rebuild._Rebuild, "_read_highest", number_from_count)
    monkeypatch.setattr(KnownClaims, "_stored", lambda _: iter(()))  # nor by looking at the rows
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert [admit_users(campaign, [f"late-{n}"])[f"late-{n}"].place for n in range(2)] == [2, 3]
    assert drain("sale", consumer="one").parked == 1
    monkeypatch.undo()
    lose_keys()
    assert rebuild.rebuild_campaign("sale", actor="Mina").highest == 3
    assert admit_users(campaign, ["last"])["last"].place == 4


def test_a_place_remembered_by_mysql_alone_is_not_given_again(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(4))
    reconcile.reconcile_campaigns()
    lose_keys()  # all four, none of them stored
    assert rebuild.rebuild_campaign("sale", actor="Mina").highest == 4
    assert admit_users(campaign, ["late"])["late"].place == 5


def test_rebuilding_twice_and_while_nothing_is_wrong_changes_no_answer(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    told = admit_users(campaign, range(3))
    drain("sale", consumer="one")
    told |= admit_users(campaign, range(3, 5))
    for _ in range(2):
        rebuild.rebuild_campaign("sale", actor="Mina")
    again = admit_users(campaign, range(5))
    assert {user: (a.place, a.at_ms) for user, a in again.items()} == {
        user: (a.place, a.at_ms) for user, a in told.items()
    }
    assert drain("sale", consumer="one").stored == 2
    assert reconcile.compare_campaign("sale").left == 0
    assert [e.kind for e in CampaignEvent.objects.all()][:2] == ["rebuilt", "rebuilt"]


class Dead(Exception):
    """Raised in place of a kill at this line."""


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("store", "close_gates"), ("store", "write_claimants"), ("highest_place", "raise_highest"),
        ("store", "open_gates"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("emptied", [True, False])
def test_dying_at_any_line_leaves_it_closed_or_whole_and_the_next_one_ends_it(
    open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    line: str,
    when: str,
    emptied: bool,
) -> None:
    campaign = open_campaign(stock=10)
    told = admit_users(campaign, range(4))
    drain("sale", consumer="one")
    if emptied:
        lose_keys()
    home: Any = store.store().recovery if where == "store" else highest_place
    real = getattr(home, line)

    def die_around_call(*asked: Any, **more: Any) -> Any:
        if when == "after":
            real(*asked, **more)
        raise Dead

    with monkeypatch.context() as dying, pytest.raises(Dead):
        dying.setattr(home, line, die_around_call)
        rebuild.rebuild_campaign("sale", actor="Mina")
    _closed_or_whole(campaign, told)
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert admit_users(campaign, ["after"])["after"].place in (5, 6)
    drain("sale", consumer="one")
    assert reconcile.compare_campaign("sale").left == 0


def _closed_or_whole(campaign: CampaignSnapshot, told: dict[str, Admission]) -> None:
    try:
        late = strategies.admit(campaign, Claim("meanwhile"))
    except NotInstalled:
        return
    assert late.place == 5
    assert strategies.admit(campaign, Claim("user-1")).place == told["user-1"].place


def test_of_two_at_once_the_one_that_began_last_opens(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(4))
    drain("sale", consumer="one")
    remember = store.store().recovery.write_claimants
    begun: list[rebuild.Rebuilt] = []

    def another_begins(*asked: Any, **more: Any) -> None:
        monkeypatch.undo()
        remember(*asked, **more)
        begun.append(rebuild.rebuild_campaign("sale", actor="Jun"))

    monkeypatch.setattr(store.store().recovery, "write_claimants", another_begins)
    with pytest.raises(Overtaken):
        rebuild.rebuild_campaign("sale", actor="Mina")
    assert store.store().recovery.gate_marks(["sale"])["sale"].epoch == begun[0].epoch
    assert Campaign.objects.get().epoch == begun[0].epoch
    assert admit_users(campaign, ["late"])["late"].place == 5
    assert drain("sale", consumer="one").stored == 1


def test_a_redis_that_is_emptied_in_the_middle_opens_nothing(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(4))
    drain("sale", consumer="one")
    remember = store.store().recovery.write_claimants

    def remember_and_empty(*asked: Any, **more: Any) -> None:
        remember(*asked, **more)
        lose_keys()

    monkeypatch.setattr(store.store().recovery, "write_claimants", remember_and_empty)
    with pytest.raises(Overtaken):
        rebuild.rebuild_campaign("sale", actor="Mina")
    with pytest.raises(NotInstalled):
        strategies.admit(campaign, Claim("late"))


def test_what_was_paused_is_rebuilt_paused(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    lifecycle.pause_campaign("sale", actor="Mina")
    lose_keys()
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert strategies.admit(campaign, Claim("ann")).outcome == Outcome.PAUSED


def test_holders_of_a_sold_out_campaign_keep_their_place(open_campaign: CampaignMaker) -> None:
    """The Bloom filter is rebuilt as well: a process with a refusal cache uses it."""
    campaign = open_campaign(stock=40)
    told = admit_users(campaign, range(40))
    drain("sale", consumer="one")
    lose_keys()
    rebuild.rebuild_campaign("sale", actor="Mina")
    for _ in range(3):
        assert strategies.admit(campaign, Claim("late")).outcome == Outcome.SOLD_OUT
        again = admit_users(campaign, range(40))
        assert [a.place for a in again.values()] == [a.place for a in told.values()]


def test_a_campaign_without_its_tally_stays_closed(open_campaign: CampaignMaker) -> None:
    """It is unknown which places were given and not stored."""
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(3))
    lose_keys()
    Tally.objects.all().delete()
    for repair in (rebuild.rebuild_campaign, rebuild.renew_campaign):
        with pytest.raises(Tally.DoesNotExist):
            repair("sale", actor="Mina")
    assert rebuild.renew_campaigns(["sale"], actor="Mina").left == ["sale"]
    with pytest.raises(NotInstalled):
        strategies.admit(campaign, Claim("late"))
