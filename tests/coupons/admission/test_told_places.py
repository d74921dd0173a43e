"""Whom a process has told a place, it never refuses: not by a refusal either that Redis decided
before, and that a thread of the same process handles only now."""

import time
from collections.abc import Callable

import pytest

from coupons.admission import queued, refusal_cache, strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Admission, Claim, Outcome
from coupons.store import Grantee, store
from tests.conftest import CampaignMaker
from tests.coupons.admission.opening_race import set_gate
from tests.coupons.admission.test_too_early import early_campaign, grant_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_broker")]

Late = Callable[[], None]


def refused_meanwhile(campaign: CampaignSnapshot, user: str = "slow") -> Late:
    """Redis refuses this user now; the thread gets no time until what is returned is called."""
    asked_s = time.monotonic()
    decision = store().admission.admit(
        campaign.slug, user=user, nth=1, per_user=1, filter_blocks=campaign.filter_blocks
    )
    refusal = Admission(Outcome(decision.outcome), 0, decision.at_ms)
    assert decision.version, "it was refused"
    return lambda: refusal_cache.cache_refusal(campaign, refusal, decision, asked_s=asked_s)


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry does not end by itself, as slow as this machine may be."""
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 60.0)


def sold_out(open_campaign: CampaignMaker) -> CampaignSnapshot:
    campaign = open_campaign(stock=2)
    for user in ("ann", "bob"):
        strategies.admit(campaign, Claim(user))
    return campaign


def end_entry(campaign: CampaignSnapshot) -> None:
    """Of this version, as every process has it once it was sold out for a while."""
    strategies.admit(campaign, Claim("too-late"))
    assert campaign.slug in refusal_cache._cache.current.entries
    time.sleep(refusal_cache.ENTRY_TTL_S + 0.02)


def raise_stock() -> None:
    set_gate(stock=3)


def open_now() -> None:
    set_gate(opens=store().server.now_ms() - 1)


def test_an_admitted_user_is_not_refused_by_what_was_decided_before_a_raise(
    open_campaign: CampaignMaker,
) -> None:
    campaign = sold_out(open_campaign)
    end_entry(campaign)
    handle = refused_meanwhile(campaign)
    raise_stock()
    assert strategies.admit(campaign, Claim("jun")).place == 3
    handle()
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.ALREADY_CLAIMED


def test_a_refusal_that_is_handled_before_the_place_is_told_is_dropped(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sold_out(open_campaign)
    end_entry(campaign)
    handle = refused_meanwhile(campaign)
    raise_stock()
    decide = queued._decide_in_redis

    def and_then_handle(campaign: CampaignSnapshot, claim: Claim) -> object:
        decision = decide(campaign, claim)
        handle()
        return decision

    with monkeypatch.context() as patched:
        patched.setattr(queued, "_decide_in_redis", and_then_handle)
        assert strategies.admit(campaign, Claim("jun")).place == 3
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.ALREADY_CLAIMED


def test_nor_by_one_before_an_opening_while_nobody_held(open_campaign: CampaignMaker) -> None:
    campaign = early_campaign(open_campaign)
    handle = refused_meanwhile(campaign)
    open_now()
    assert strategies.admit(campaign, Claim("jun")).place == 1
    handle()
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.ALREADY_CLAIMED


def test_nor_who_was_granted_a_place_and_has_only_looked(open_campaign: CampaignMaker) -> None:
    campaign = early_campaign(open_campaign)
    handle = refused_meanwhile(campaign)
    grant_to("jun")
    assert queued.admitted_before(campaign, Claim("jun"))
    handle()
    assert strategies.admit(campaign, Claim("jun")).outcome is Outcome.ALREADY_CLAIMED


@pytest.mark.usefixtures("lasting")
def test_a_refusal_asked_for_later_counts_again(open_campaign: CampaignMaker) -> None:
    campaign = sold_out(open_campaign)
    refused_meanwhile(campaign)()
    assert refusal_cache.cached_refusal(campaign, Claim("x"), time.monotonic())


@pytest.mark.usefixtures("lasting")
def test_holders_whom_the_filter_knows_leave_the_entry_alone(open_campaign: CampaignMaker) -> None:
    """A crowd of holders that asks again must not send everybody else to Redis."""
    campaign = sold_out(open_campaign)
    refused_meanwhile(campaign)()
    refused_long_ago = refused_meanwhile(campaign)
    assert strategies.admit(campaign, Claim("ann")).outcome is Outcome.ALREADY_CLAIMED
    assert refusal_cache.cached_refusal(campaign, Claim("x"), time.monotonic())
    refused_long_ago()
    assert refusal_cache.cached_refusal(campaign, Claim("x"), time.monotonic())


def test_an_entry_lives_from_before_redis_was_asked_and_a_slow_reply_a_fifth(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 10.0)
    campaign = sold_out(open_campaign)
    for waited_s, left_s in ((0.0, 10.0), (4.0, 6.0), (9.0, 2.0), (100.0, 2.0)):
        refusal_cache._cache.make_anew()
        decision = store().admission.admit(
            "sale", user="late", nth=1, per_user=1, filter_blocks=campaign.filter_blocks
        )
        refusal = Admission(Outcome.SOLD_OUT, 0, decision.at_ms)
        now_s = time.monotonic()
        refusal_cache.cache_refusal(campaign, refusal, decision, asked_s=now_s - waited_s)
        (entry,) = refusal_cache._cache.current.entries.values()
        assert now_s + left_s - 1e-6 <= entry.until_s <= time.monotonic() + left_s


def test_filters_take_a_bounded_part_of_a_process(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many campaigns somebody asks for; the newest are kept."""
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 60.0)
    campaigns = [early_campaign(open_campaign, f"sale-{n}") for n in range(5)]
    for campaign in campaigns:
        store().grants.grant(
            campaign.slug, [Grantee("ann", 1, "support")], per_user=1,
            filter_blocks=campaign.filter_blocks,
        )  # fmt: skip
    refused_meanwhile(campaigns[0])()
    (entry,) = refusal_cache._cache.current.entries.values()
    monkeypatch.setattr(refusal_cache, "MOST_BYTES", 2 * len(entry.filter))
    for campaign in campaigns[1:]:
        refused_meanwhile(campaign)()
    assert set(refusal_cache._cache.current.entries) == {"sale-3", "sale-4"}
