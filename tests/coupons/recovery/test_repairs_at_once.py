"""Two repairs of one campaign at once, or an abandoned one: the campaign does not stay closed."""

from typing import Any

import pytest

from coupons import store
from coupons.admission import strategies
from coupons.campaigns import update
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import StoreError
from coupons.issuing.drain import drain
from coupons.models import Campaign
from coupons.recovery import epochs, failover, lost_admissions, rebuild, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.harness.store_override import forget_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit_users(campaign: CampaignSnapshot, count: int) -> None:
    for number in range(count):
        strategies.admit(campaign, Claim(f"user-{number}"))


def changed_server() -> None:
    """As if another server had been promoted: it is not verified yet."""
    store.store().server.mark_verified("another server")
    forget_store()


def close_for_repair(*, in_doubt: bool = False) -> None:
    """The first half of a repair."""
    rebuild._Rebuild("Mina", everything=in_doubt)._close(["sale"])


def test_a_repair_overtaken_by_one_that_comes_to_nothing_is_taken_up_again(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the server counts as verified, and the campaign stays closed for good."""
    campaign = open_campaign(stock=20)
    admit_users(campaign, 5)
    changed_server()
    with monkeypatch.context() as meanwhile:
        opening = rebuild._Rebuild._open

        def close_and_open(*args: Any) -> Any:
            close_for_repair()  # and dies
            return opening(*args)

        meanwhile.setattr(rebuild._Rebuild, "_open", close_and_open)
        assert not failover.verify_server()
    assert not store.store().server.read_identity().may_decide
    assert failover.verify_server()
    assert strategies.admit(campaign, Claim("late")).place == 6


def test_a_campaign_renewed_by_another_meanwhile_is_left_open(open_campaign: CampaignMaker) -> None:
    admit_users(open_campaign(stock=20), 5)
    changed_server()
    assert rebuild.renew_campaigns(["sale"], actor="one") == rebuild.Renewed()
    epoch = Campaign.objects.get(slug="sale").epoch
    assert rebuild.renew_campaigns(["sale"], actor="another") == rebuild.Renewed()
    assert Campaign.objects.get(slug="sale").epoch == epoch


def test_an_abandoned_repair_is_started_again(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=20)
    admit_users(campaign, 5)
    close_for_repair()
    reconcile.reconcile_campaigns()
    assert epochs.closed_for_repair() == ["sale"], "it may be at work"
    close_for_repair()  # and so it is
    reconcile.reconcile_campaigns()
    assert epochs.closed_for_repair() == ["sale"]
    reconcile.reconcile_campaigns()
    assert epochs.closed_for_repair() == []
    assert strategies.admit(campaign, Claim("late")).place == 6
    assert drain("sale", consumer="one").stored == 6


def test_reconcile_does_not_continue_an_operators_rebuild(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=20)
    close_for_repair(in_doubt=True)
    reconcile.reconcile_campaigns()
    reconcile.reconcile_campaigns()
    assert epochs.closed_for_repair() == ["sale"]


@pytest.mark.parametrize("step", ["requeue_lost", "redis_definition"])
def test_of_many_a_campaign_that_fails_late_is_left_once_and_the_others_open(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch, step: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    for slug in ("ill", "well"):
        admit_users(open_campaign(slug, stock=20), 2)
        store.store().client.delete(keys.campaign_keys(slug).filter)  # so claimants are written
    home: Any = lost_admissions if step == "requeue_lost" else update
    real = getattr(home, step)

    def fail_for_ill(campaign: Campaign, *more: Any) -> Any:
        if campaign.slug == "ill":
            raise StoreError("not this one")
        return real(campaign, *more)

    changed_server()
    monkeypatch.setattr(home, step, fail_for_ill)
    renewed = rebuild.renew_campaigns(["ill", "well"], actor="one")
    assert (renewed.left, renewed.overtaken) == (["ill"], [])
    assert [line for line in caplog.messages if "ill failed" in line] == [
        "failover of campaign ill failed: StoreError('not this one')"
    ]
    assert epochs.closed_for_repair() == ([] if step == "requeue_lost" else ["ill"])
