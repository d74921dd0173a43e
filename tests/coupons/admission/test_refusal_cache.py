"""The sold-out cache: refuses strangers without Redis, never a holder, and expires soon after
changes."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons import store
from coupons.admission import refusal_cache, strategies
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import holder_filter
from coupons.claims.values import Claim, Outcome
from coupons.errors import NotInstalled, StoreError
from coupons.recovery import honour
from coupons.store import claimant_field, keys
from coupons.store.recovery import Claimant
from tests.conftest import CampaignMaker
from tests.coupons.issuing.test_receipts import lost_with_redis
from tests.harness.another_process import another_process

pytestmark = pytest.mark.django_db


def count_decisions() -> int:
    """How many claims Redis has decided."""
    stats = store.store().client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


def outcomes_of(campaign: CampaignSnapshot, count: int, prefix: str) -> set[Outcome]:
    return {strategies.admit(campaign, Claim(f"{prefix}-{n}")).outcome for n in range(count)}


def sold_out(open_campaign: CampaignMaker, stock: int = 50) -> CampaignSnapshot:
    campaign = open_campaign(stock=stock)
    assert outcomes_of(campaign, stock, "holder") == {Outcome.ADMITTED}
    assert outcomes_of(campaign, 1, "first-too-late") == {Outcome.SOLD_OUT}
    return campaign


def end_entries() -> None:
    entries = refusal_cache._cache.current.entries
    for slug, entry in entries.items():
        entries[slug] = replace(entry, until_s=0.0)


def let_entries_expire() -> None:
    time.sleep(refusal_cache.ENTRY_TTL_S + 0.02)


def test_strangers_are_refused_without_redis_and_holders_keep_their_place(
    open_campaign: CampaignMaker,
) -> None:
    campaign = sold_out(open_campaign)
    refusal_cache.ENTRY_TTL_S, kept = 60.0, refusal_cache.ENTRY_TTL_S
    try:
        outcomes_of(campaign, 1, "second-too-late")
        outcomes_of(campaign, 1, "third-too-late")
        before = count_decisions()
        assert outcomes_of(campaign, 1000, "stranger") == {Outcome.SOLD_OUT}
        asked = count_decisions() - before
        assert asked < 60  # 1.4 % of strangers share both bits with holders
        again = [strategies.admit(campaign, Claim(f"holder-{n}")) for n in range(50)]
    finally:
        refusal_cache.ENTRY_TTL_S = kept
    assert {a.outcome for a in again} == {Outcome.ALREADY_CLAIMED}
    assert sorted(a.place for a in again) == list(range(1, 51))


def test_a_raised_stock_is_noticed(open_campaign: CampaignMaker) -> None:
    campaign = sold_out(open_campaign)
    lifecycle.change_stock("sale", stock=52, actor="Mina")
    let_entries_expire()
    assert outcomes_of(campaign, 2, "lucky") == {Outcome.ADMITTED}
    assert outcomes_of(campaign, 5, "late") == {Outcome.SOLD_OUT}
    # The new filter contains the new holders as well.
    assert outcomes_of(campaign, 2, "lucky") == {Outcome.ALREADY_CLAIMED}


def test_refusal_cache_is_extended_only_if_holders_are_unchanged(
    open_campaign: CampaignMaker,
) -> None:
    campaign = sold_out(open_campaign)
    lifecycle.change_stock("sale", stock=51, actor="Mina")
    # another process admits the last one
    decision = store.store().admission.admit(
        "sale", user="lucky", nth=1, per_user=1, filter_blocks=campaign.filter_blocks
    )
    assert decision.outcome == "admitted"
    let_entries_expire()
    assert outcomes_of(campaign, 3, "late") == {Outcome.SOLD_OUT}
    assert strategies.admit(campaign, Claim("lucky")).place == 51


@pytest.mark.django_db(transaction=True)
def test_no_claimant_is_written_without_bits(open_campaign: CampaignMaker) -> None:
    """A repair writes the bits first. If that fails, the claimants stay unknown: with them a filter
    without their bits would be of the current set of claimants, and its holders refused."""
    campaign = sold_out(open_campaign)
    names, client = keys.campaign_keys("sale"), store.store().client
    field = claimant_field.encode_field("lost", 1, campaign.per_user)
    lost = [Claimant(field, place=50, admitted_ms=1)]
    client.delete(names.filter)
    client.rpush(names.filter, "no text")  # BITFIELD fails
    blocks = campaign.filter_blocks
    with pytest.raises(StoreError):
        store.store().recovery.write_claimants("sale", lost, filter_blocks=blocks, replace=False)
    assert client.hlen(names.claimants) == 50
    client.delete(names.filter)
    store.store().recovery.write_claimants("sale", lost, filter_blocks=blocks, replace=False)
    assert client.hlen(names.claimants) == 51
    assert all(
        client.getbit(names.filter, bit) for bit in holder_filter.bit_positions(field, blocks)
    )


def test_a_lost_claim_that_another_process_honours_is_known_here(
    open_campaign: CampaignMaker,
) -> None:
    """There is a holder more, and no place more is given."""
    campaign = open_campaign(stock=2)
    _, second = lost_with_redis(campaign, "mina", "jun")
    assert outcomes_of(campaign, 3, "late") == {Outcome.SOLD_OUT}
    with another_process():
        honour.honour_receipt(second, actor="Sora")
    let_entries_expire()
    assert outcomes_of(campaign, 3, "later") == {Outcome.SOLD_OUT}
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.ALREADY_CLAIMED


def test_the_cache_notices_a_lost_redis(open_campaign: CampaignMaker) -> None:
    campaign = sold_out(open_campaign)
    store.store().client.flushall()
    let_entries_expire()
    with pytest.raises(NotInstalled):
        outcomes_of(campaign, 1, "stranger")


def test_closed_is_remembered_and_a_later_closing_noticed(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 60.0)
    campaign = open_campaign()
    strategies.admit(campaign, Claim("holder"))
    gate = keys.campaign_keys("sale").gate
    store.store().client.hset(gate, "closes", store.store().server.now_ms() - 1)
    assert outcomes_of(campaign, 2, "late") == {Outcome.CLOSED}
    before = count_decisions()
    assert outcomes_of(campaign, 20, "later") == {Outcome.CLOSED}
    assert count_decisions() - before <= 1
    assert strategies.admit(campaign, Claim("holder")).outcome is Outcome.ALREADY_CLAIMED
    later = timezone.now() + timedelta(hours=2)
    store.store().client.hset(gate, "closes", int(later.timestamp() * 1000))
    end_entries()
    assert outcomes_of(campaign, 1, "in-time") == {Outcome.ADMITTED}


def test_no_holder_ever_lacks_a_bit(open_campaign: CampaignMaker) -> None:
    campaign = sold_out(open_campaign, stock=2000)
    bits: Any = store.store().client.get(keys.campaign_keys("sale").filter)
    for n in range(2000):
        field = claimant_field.encode_field(f"holder-{n}", 1, 1)
        assert holder_filter.may_hold(bits, field, campaign.filter_blocks)
