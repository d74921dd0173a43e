"""Reconcile: a difference between the stores is found, named, and repaired where that is safe."""

import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from coupons import store
from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim, Outcome, Reason
from coupons.issuing import queue
from coupons.issuing.drain import drain
from coupons.models import Coupon, Tally
from coupons.observability.metrics import Gap
from coupons.recovery import reconcile
from coupons.store import claimant_field, keys
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit_users(campaign: CampaignSnapshot, count: int, start: int = 1) -> None:
    for number in range(start, start + count):
        strategies.admit(campaign, Claim(f"user-{number}"))


def redis_client() -> Any:
    return store.store().client


def lost_on_the_way(slug: str = "sale") -> None:
    """Delete the queue, as if by hand."""
    redis_client().xtrim(keys.campaign_keys(slug).queue, maxlen=0, approximate=False)


def forget_claimant(user: str, campaign: CampaignSnapshot) -> None:
    field = claimant_field.encode_field(user, 1, campaign.per_user)
    redis_client().hdel(keys.campaign_keys(campaign.slug).claimants, field)


def differences_by_kind(slug: str = "sale", *, repair: bool = False) -> dict[Gap, list[int]]:
    report = reconcile.compare_campaign(slug, repair=repair)
    kinds = {each.kind for each in report.differences}
    return {kind: [e.place for e in report.differences if e.kind == kind] for kind in kinds}


def test_a_campaign_in_order_shows_no_difference(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=100)
    admit_users(campaign, 40)
    drain("sale", consumer="one")
    admit_users(campaign, 20, start=41)
    report = reconcile.compare_campaign("sale")
    assert (report.admitted, report.stored, report.on_its_way, report.left) == (60, 40, 20, 0)
    assert reconcile.reconcile_campaigns() == []


def test_a_claim_lost_from_the_queue_is_put_back_and_stored(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    admit_users(campaign, 2)
    drain("sale", consumer="one")
    admit_users(campaign, 3, start=3)
    lost_on_the_way()
    assert differences_by_kind() == {Gap.NOT_STORED: [3, 4, 5]}
    assert drain("sale", consumer="one").stored == 0  # a report alone puts nothing back
    assert differences_by_kind(repair=True) == {Gap.NOT_STORED: [3, 4, 5]}
    assert drain("sale", consumer="one").stored == 3
    assert differences_by_kind() == {}
    assert dict(Coupon.objects.values_list("place", "user"))[4] == "user-4"


def test_beat_finds_the_gap_in_the_counts_and_repairs_it(open_campaign: CampaignMaker) -> None:
    admit_users(open_campaign(), 3)
    lost_on_the_way()
    assert [report.mended[Gap.NOT_STORED] for report in reconcile.reconcile_campaigns()] == [3]
    assert drain("sale", consumer="one").stored == 3
    assert reconcile.reconcile_campaigns() == []


def test_putting_back_twice_stores_once(open_campaign: CampaignMaker) -> None:
    admit_users(open_campaign(), 3)
    lost_on_the_way()
    reconcile.compare_campaign("sale", repair=True)
    first = store.store().queue.waiting_entries("sale")
    lost_on_the_way()
    reconcile.compare_campaign("sale", repair=True)
    for entry in first:
        redis_client().xadd(keys.campaign_keys("sale").queue, entry.fields)
    done = drain("sale", consumer="one")
    assert (done.stored + done.repeated, Coupon.objects.count(), done.parked) == (6, 3, 0)


def test_a_coupon_whose_user_redis_forgot_is_made_known_again(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    first = strategies.admit(campaign, Claim("mina"))
    drain("sale", consumer="one")
    forget_claimant("mina", campaign)
    assert differences_by_kind(repair=True) == {Gap.NOT_TOLD: [1]}
    again = strategies.admit(campaign, Claim("mina"))
    assert (again.outcome, again.place, again.at_ms) == (
        Outcome.ALREADY_CLAIMED, first.place, first.at_ms,
    )  # fmt: skip
    assert differences_by_kind() == {}


@pytest.mark.parametrize("are_stored", [True, False], ids=["stored", "waiting"])
def test_a_lost_filter_of_holders_is_named_and_made_anew(
    open_campaign: CampaignMaker, are_stored: bool
) -> None:
    """Else processes that remember "sold out" would refuse holders, as long as others are."""
    campaign = open_campaign(stock=60)
    for number in range(30):
        strategies.admit(campaign, Claim(f"before-{number}"))
    if are_stored:
        drain("sale", consumer="one")
    redis_client().delete(keys.campaign_keys("sale").filter)
    for number in range(30):  # it is as long again, without the former bits
        strategies.admit(campaign, Claim(f"after-{number}"))
    assert strategies.admit(campaign, Claim("late")).outcome is Outcome.SOLD_OUT
    found = differences_by_kind()[Gap.NOT_TOLD]
    assert set(found) <= set(range(1, 31)) and len(found) > 10
    differences_by_kind(repair=True)
    assert differences_by_kind() == {}
    assert strategies.admit(campaign, Claim("late")).outcome is Outcome.SOLD_OUT
    again = {strategies.admit(campaign, Claim(f"before-{n}")).outcome for n in range(30)}
    assert again == {Outcome.ALREADY_CLAIMED}


def test_places_that_redis_has_not_given_are_never_given_again(
    open_campaign: CampaignMaker,
) -> None:
    """Redis lost its latest writes: a replica that lagged behind, or an old backup."""
    campaign = open_campaign()
    admit_users(campaign, 5)
    drain("sale", consumer="one")
    redis_client().hset(keys.campaign_keys("sale").gate, "next", 3)
    forget_claimant("user-4", campaign)
    forget_claimant("user-5", campaign)
    assert differences_by_kind(repair=True) == {Gap.NOT_TOLD: [4, 5]}
    assert strategies.admit(campaign, Claim("user-5")).outcome == Outcome.ALREADY_CLAIMED
    assert strategies.admit(campaign, Claim("late")).place == 6
    assert differences_by_kind() == {}


def test_one_place_told_to_two_is_named_and_left_to_people(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    admit_users(campaign, 2)
    drain("sale", consumer="one")
    field = claimant_field.encode_field("thief", 1, 1)
    bucket = keys.campaign_keys("sale").claimants
    redis_client().hset(bucket, field, (1).to_bytes(4) + (1_795_000_000_000).to_bytes(6))
    assert differences_by_kind(repair=True) == differences_by_kind() == {Gap.DIFFERENT: [1]}


def test_a_place_without_a_holder_is_reported_once_as_a_hole(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    admit_users(campaign, 3)
    lost_on_the_way()
    forget_claimant("user-2", campaign)
    assert reconcile.reconcile_campaigns()[0].found == {Gap.NOT_STORED: 2, Gap.HOLE: 1}
    drain("sale", consumer="one")
    assert Tally.objects.get().holes == 1
    assert reconcile.reconcile_campaigns() == []  # known: the full scan is not repeated every time


def test_what_is_parked_is_no_difference(open_campaign: CampaignMaker) -> None:
    admit_users(open_campaign(), 3)
    batch = queue.read_batch("sale", consumer="one", count=2)
    for entry in batch.claims:
        queue.park_claim("sale", entry, Reason.REJECTED)
    assert differences_by_kind() == {}
    assert reconcile.reconcile_campaigns() == []


def test_the_highest_place_is_remembered_in_mysql(open_campaign: CampaignMaker) -> None:
    admit_users(open_campaign(), 4)
    reconcile.reconcile_campaigns()
    assert Tally.objects.get().highest == 4


def settled_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole drain runs directly after one of the two reads."""
    calls = store.store().campaigns
    read: Any = calls.gates

    def read_and_drain(*asked: Any) -> Any:
        said = read(*asked)
        drain("sale", consumer="one")
        return said

    monkeypatch.setattr(calls, "gates", read_and_drain)


def test_a_drain_at_work_between_the_reads_is_no_gap(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_users(open_campaign(), 5)
    settled_between(monkeypatch)
    (counts,) = reconcile.count_claims(reconcile.watched_campaigns())
    assert counts.gap == -5  # twice rather than not at all


def test_negative_control_mysql_read_first_shows_a_gap_that_is_none(
    open_campaign: CampaignMaker,
) -> None:
    admit_users(open_campaign(), 5)
    (stored_first,) = reconcile.count_claims(reconcile.watched_campaigns())
    drain("sale", consumer="one")
    (redis_later,) = reconcile.count_claims(reconcile.watched_campaigns())
    assert redis_later.admitted - stored_first.stored - redis_later.waiting == 5


def test_the_command_says_what_it_found_and_fails_while_something_is_left(
    open_campaign: CampaignMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    admit_users(open_campaign(), 3)
    call_command("reconcile")
    lost_on_the_way()
    with pytest.raises(CommandError, match="Not in order: sale"):
        call_command("reconcile", "sale")
    assert "not_stored 3 found, 0 mended" in capsys.readouterr().out
    call_command("reconcile", "sale", "--repair")
    assert "not_stored 3 found, 3 mended" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("field", "ms"),
    [(b"\xfe", 1_795_000_000_000), (b"jun", 2**48 - 1), (b"", 1_795_000_000_000), (b"x" * 500, 1)],
)
def test_an_impossible_claimant_does_not_block_the_others(
    open_campaign: CampaignMaker, field: bytes, ms: int
) -> None:
    """It was not written by our code (issue 12, A1)."""
    admit_users(open_campaign(), 3)
    redis_client().hincrby(keys.campaign_keys("sale").gate, "next", 1)
    redis_client().hset(
        keys.campaign_keys("sale").claimants, field, (4).to_bytes(4) + ms.to_bytes(6)
    )
    lost_on_the_way()
    (report,) = reconcile.reconcile_campaigns()
    assert (report.found[Gap.NOT_STORED], report.mended[Gap.NOT_STORED]) == (4, 3)
    assert drain("sale", consumer="one").stored == 3


def test_a_claimant_of_a_campaign_for_several_coupons_whose_number_is_none_is_told(
    open_campaign: CampaignMaker,
) -> None:
    strategies.admit(open_campaign(per_user=3), Claim("mina", 2))
    redis_client().hincrby(keys.campaign_keys("sale").gate, "next", 1)
    value = (2).to_bytes(4) + (1_795_000_000_000).to_bytes(6)
    redis_client().hset(keys.campaign_keys("sale").claimants, b"many:jun", value)
    lost_on_the_way()
    (report,) = reconcile.reconcile_campaigns()
    assert (report.found[Gap.NOT_STORED], report.mended[Gap.NOT_STORED]) == (2, 1)


def test_a_permanent_difference_is_not_scanned_all_the_time(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not before the others: campaigns that were compared longest ago come first."""
    for slug in ("ill", "well"):
        admit_users(open_campaign(slug), 2)
        lost_on_the_way(slug)
    redis_client().hset(
        keys.campaign_keys("ill").claimants, b"\xfe", (3).to_bytes(4) + (1).to_bytes(6)
    )
    redis_client().hset(keys.campaign_keys("ill").gate, "next", 3)
    looked: list[str] = []
    compare = reconcile.compare_campaign

    def compare_slowly(slug: str, **asked: Any) -> Any:
        looked.append(slug)
        if slug == "ill":
            time.sleep(3)  # so that it rests for thirty seconds
        return compare(slug, **asked)

    monkeypatch.setattr(reconcile, "compare_campaign", compare_slowly)
    reconcile.reconcile_campaigns()
    assert sorted(looked) == ["ill", "well"]
    for _ in range(3):
        lost_on_the_way("well")
        reconcile.reconcile_campaigns()
    assert sorted(looked) == ["ill", "well", "well", "well", "well"]
