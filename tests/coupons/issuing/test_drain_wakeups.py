"""Wake-ups of the drain: sent once for many claims, sent again when lost."""

from collections.abc import Callable

import pytest

from coupons import store, tasks
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon
from coupons.store import keys
from coupons.store.wakeups import LOST_WAKEUP_TTL_MS, WakeupCalls
from tests.conftest import CampaignMaker, Settings
from tests.coupons.issuing.test_drain import admit_users, read_gate


def recording_broker(rings: list[str], *, heard: bool) -> Callable[[str], bool]:
    """A fake broker: records the wake-ups, and reports whether they were delivered."""

    def record_wakeup(slug: str) -> bool:
        rings.append(slug)
        return heard

    return record_wakeup


def admission_wakes_drain(campaign: CampaignSnapshot, user: str) -> bool:
    decision = store.store().admission.admit(
        campaign.slug, user=user, nth=1, per_user=1, filter_blocks=campaign.filter_blocks
    )
    return decision.wake_drain


def test_one_wakeup_is_sent_for_many_claims_and_the_next_after_the_drain(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=100)
    assert [admission_wakes_drain(campaign, f"user-{n}") for n in range(5)] == [
        True,
        False,
        False,
        False,
        False,
    ]
    drain("sale", consumer="one")
    assert admission_wakes_drain(campaign, "late")


def test_a_claim_between_the_last_read_and_the_end_is_drained_or_sends_a_wakeup(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Admitted at the worst moments: before the pending flag is cleared, and right after it."""
    campaign = open_campaign(stock=100)
    admission_wakes_drain(campaign, "first")
    silence = WakeupCalls.clear_pending
    rings: list[bool] = []

    def with_claims_around(self: WakeupCalls, slug: str) -> None:
        rings.append(
            admission_wakes_drain(campaign, f"before-{len(rings)}") if len(rings) < 2 else False
        )
        silence(self, slug)
        rings.append(
            admission_wakes_drain(campaign, f"after-{len(rings)}") if len(rings) < 2 else False
        )

    monkeypatch.setattr(WakeupCalls, "clear_pending", with_claims_around)
    done = drain("sale", consumer="one")
    assert rings[:2] == [False, True]
    assert done.stored == 3
    assert read_gate().waiting == 0


def test_a_lost_wakeup_is_sent_again_by_the_sweep(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings: list[str] = []
    monkeypatch.setattr("coupons.broker.wakeups.notify_drain", recording_broker(rings, heard=True))
    monkeypatch.setattr("coupons.broker.wakeups.notify_drains", rings.extend)
    admit_users(open_campaign(), 2)
    assert rings == ["sale"]  # and the message is lost
    tasks.sweep()
    assert rings == ["sale"]  # too early: a drain may be on its way
    store.store().client.delete(keys.campaign_keys("sale").bell)  # the pending flag has expired
    tasks.sweep()
    tasks.sweep()
    assert rings == ["sale", "sale"]
    tasks.drain("sale")
    assert Coupon.objects.count() == 2
    tasks.sweep()
    assert rings == ["sale", "sale"]


def test_a_wakeup_that_could_not_be_sent_is_retried_soon_and_not_for_every_claim(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    monkeypatch.setattr("coupons.broker.wakeups.notify_drain", recording_broker(tries, heard=False))
    campaign = open_campaign(stock=100)
    admit_users(campaign, 20)
    assert tries == ["sale"]
    assert 0 < store.store().client.pttl(keys.campaign_keys("sale").bell) <= LOST_WAKEUP_TTL_MS
    store.store().client.delete(keys.campaign_keys("sale").bell)  # the pending flag has expired
    admit_users(campaign, 2, start=20)
    assert tries == ["sale", "sale"]


def test_a_drain_whose_time_is_over_sends_a_wakeup_for_the_rest(
    open_campaign: CampaignMaker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DRAIN_TIME_S, settings.DRAIN_BATCH = 0, 2
    rings: list[str] = []
    admit_users(open_campaign(), 5)
    monkeypatch.setattr("coupons.broker.wakeups.notify_drain", recording_broker(rings, heard=True))
    tasks.drain("sale")
    assert (Coupon.objects.count(), rings) == (2, ["sale"])


def test_a_wakeup_for_a_deleted_campaign_does_no_harm(open_campaign: CampaignMaker) -> None:
    open_campaign()
    Campaign.objects.all().delete()
    assert drain("sale", consumer="one").stored == 0
