"""Parked claims: replayed once the fault is repaired, or given up with a reason."""

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from coupons import store
from coupons.admission import strategies
from coupons.audit import labels
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.claims.values import Claim, Reason
from coupons.errors import BadInput, Refused
from coupons.issuing import dead_letters, receipt_status
from coupons.issuing.drain import drain
from coupons.issuing.receipt_status import Fate
from coupons.models import CampaignEvent, Coupon, GivenUp, Slot
from coupons.recovery import rebuild, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def parked_by_a_missing_slot(campaign: CampaignSnapshot, *users: str) -> None:
    """A fault of ours: the slots of these places are missing. `restore_slots` repairs it."""
    for user in users:
        place = strategies.admit(campaign, Claim(user)).place
        Slot.objects.filter(id=slot_id(campaign.id, place)).delete()
    assert drain("sale", consumer="one").parked == len(users)


def restore_slots(campaign: CampaignSnapshot) -> None:
    for place in range(1, campaign.stock + 1):
        Slot.objects.get_or_create(id=slot_id(campaign.id, place))


def parked_ids() -> list[str]:
    return [entry.id for entry in store.store().queue.parked_entries("sale")]


def test_what_is_replayed_is_stored_once_the_fault_is_mended(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    parked_by_a_missing_slot(campaign, "mina", "jun")
    assert dead_letters.count_by_reason("sale") == {Reason.BEYOND_STOCK: 2}
    restore_slots(campaign)
    assert dead_letters.replay_parked("sale", actor="Sora") == 2
    assert drain("sale", consumer="one").stored == 2
    assert dict(Coupon.objects.values_list("user", "place")) == {"mina": 1, "jun": 2}
    event = CampaignEvent.objects.first()
    assert event is not None
    assert (event.actor, labels.event_text(event)) == ("Sora", "replayed: 2")


def test_what_still_can_not_be_stored_is_parked_again(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    parked_by_a_missing_slot(campaign, "mina")
    before = store.store().queue.parked_entries("sale")[0].fields
    assert dead_letters.replay_parked("sale", actor="Sora") == 1
    assert drain("sale", consumer="one").parked == 1
    after = store.store().queue.parked_entries("sale")[0].fields
    assert {name: after[name] for name in (b"u", b"n", b"p", b"t")} == {
        name: before[name] for name in (b"u", b"n", b"p", b"t")
    }
    assert len(after) == len(before)  # no second reason beside the first


def test_replaying_picks_by_reason_or_by_entry(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    parked_by_a_missing_slot(campaign, "mina", "jun")
    client: Any = store.store().client
    client.xadd(keys.campaign_keys("sale").queue, {"nonsense": "yes"})
    drain("sale", consumer="one")
    assert dead_letters.replay_parked("sale", actor="Sora", reason=Reason.UNREADABLE) == 1
    assert dead_letters.replay_parked("sale", actor="Sora", ids=parked_ids()[:1]) == 1
    assert dead_letters.replay_parked("sale", actor="Sora", ids=["1-1"]) == 0
    assert dead_letters.count_by_reason("sale") == {Reason.BEYOND_STOCK: 1}


def test_a_claim_given_up_is_kept_with_who_and_why(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=5)
    parked_by_a_missing_slot(campaign, "mina")
    first = strategies.admit(campaign, Claim("mina"))
    kept = dead_letters.give_up("sale", parked_ids()[0], why=" found in a test ", actor="Sora")
    assert (kept.place, kept.user, kept.actor, kept.why) == (1, "mina", "Sora", "found in a test")
    assert kept.reason == Reason.BEYOND_STOCK
    assert parked_ids() == []
    assert strategies.admit(campaign, Claim("mina")) == first  # the answer of then
    assert strategies.admit(campaign, Claim("jun")).place == 2  # and the place stays taken
    event = CampaignEvent.objects.first()
    assert event is not None
    assert labels.event_text(event) == "gave up: 1 'mina': found in a test"
    token = campaign.receipt_of(user="mina", nth=1, place=1, admitted_ms=first.at_ms)
    finding = receipt_status.verify_receipt(token)
    assert finding is not None
    assert finding.fate is Fate.GIVEN_UP
    restore_slots(campaign)
    assert drain("sale", consumer="one").stored == 1
    assert reconcile.compare_campaign("sale").left == 0
    assert reconcile.reconcile_campaigns() == []


def test_a_rebuild_remembers_who_was_given_up(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=5)
    parked_by_a_missing_slot(campaign, "mina")
    first = strategies.admit(campaign, Claim("mina"))
    dead_letters.give_up("sale", parked_ids()[0], why="a test", actor="Sora")
    store.store().client.flushall()
    rebuild.rebuild_campaign("sale", actor="Sora")
    assert strategies.admit(campaign, Claim("mina")) == first
    assert strategies.admit(campaign, Claim("jun")).place == 2


def test_giving_up_needs_a_reason_and_happens_once(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    parked_by_a_missing_slot(campaign, "mina")
    (entry,) = parked_ids()
    with pytest.raises(BadInput):
        dead_letters.give_up("sale", entry, why="  ", actor="Sora")
    dead_letters.give_up("sale", entry, why="a test", actor="Sora")
    with pytest.raises(Refused):
        dead_letters.give_up("sale", entry, why="again", actor="Theo")
    assert GivenUp.objects.get().actor == "Sora"


def test_of_two_operators_who_press_at_once_one_wins(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replayed while it is being given up: no giving up is recorded."""
    campaign = open_campaign()
    parked_by_a_missing_slot(campaign, "mina")
    (entry,) = parked_ids()
    forget: Any = store.store().queue.forget_parked

    def too_late(slug: str, entry_id: str) -> bool:
        store.store().queue.replay_parked(slug, [entry_id])
        return bool(forget(slug, entry_id))

    monkeypatch.setattr(store.store().queue, "forget_parked", too_late)
    with pytest.raises(Refused):
        dead_letters.give_up("sale", entry, why="a test", actor="Sora")
    assert not GivenUp.objects.exists()
    restore_slots(campaign)
    assert drain("sale", consumer="one").stored == 1


def test_what_no_admission_wrote_can_be_given_up(open_campaign: CampaignMaker) -> None:
    open_campaign()
    client: Any = store.store().client
    client.xadd(keys.campaign_keys("sale").queue, {"nonsense": "yes"})
    drain("sale", consumer="one")
    kept = dead_letters.give_up("sale", parked_ids()[0], why="not ours", actor="Sora")
    assert (kept.place, kept.user, kept.reason) == (0, "", Reason.UNREADABLE)
    assert reconcile.reconcile_campaigns() == []


def test_the_command_asks_first(
    open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    campaign = open_campaign()
    parked_by_a_missing_slot(campaign, "mina")
    with pytest.raises(CommandError, match="There is no terminal to ask at") as refused:
        call_command("replay_parked", "sale")
    assert refused.value.returncode == 2
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    call_command("replay_parked", "sale")
    assert "Nothing was put back" in capsys.readouterr().out
    call_command("replay_parked", "sale", "--yes")
    assert "1 claim of sale put back on the queue." in capsys.readouterr().out
