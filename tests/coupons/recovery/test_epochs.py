"""Epochs (fencing tokens): a claim that was read before a rebuild is not stored after it, and
another database's campaign is not taken for ours."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from coupons import store
from coupons.errors import ForeignKeys, StaleClaims
from coupons.issuing import queue, writer
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon
from coupons.recovery import epochs, rebuild, reconcile
from tests.conftest import CampaignMaker
from tests.coupons.recovery.test_rebuild import admit_users, lose_keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_what_a_drain_read_before_a_rebuild_is_not_stored_after_it(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, ["ann", "ben"])
    held = queue.read_batch("sale", consumer="slow", count=10)
    lose_keys()
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert (
        admit_users(campaign, ["cho"])["cho"].place == 1
    )  # the rebuild did not know that it was given
    with pytest.raises(StaleClaims):
        writer.store_batch(campaign, list(held.claims.values()), epoch=held.epoch)
    assert drain("sale", consumer="one").stored == 1
    assert Coupon.objects.get().user == "cho"


def test_negative_control_without_the_epoch_the_later_claim_is_admitted_and_not_stored(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, ["ann", "ben"])
    held = queue.read_batch("sale", consumer="slow", count=10)
    lose_keys()
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert admit_users(campaign, ["cho"])["cho"].place == 1
    writer.store_batch(campaign, list(held.claims.values()), epoch=None)
    assert drain("sale", consumer="one").parked == 1


def test_a_rebuild_waits_for_a_batch_that_is_being_stored(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rebuild sees the batch's rows, or the batch is refused; it can't be committed unseen."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has one writer at a time")
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(3))
    standing = writer._existing_rows
    inside, go_on = threading.Event(), threading.Event()

    def wait_in_standing(*asked: Any) -> Any:
        inside.set()
        assert go_on.wait(120)
        return standing(*asked)

    monkeypatch.setattr(writer, "_existing_rows", wait_in_standing)
    drained: list[Any] = []
    rebuilt: list[Any] = []

    def run_in_thread(into: list[Any], what: Callable[[], Any]) -> None:
        try:
            into.append(what())
        finally:
            connection.close()

    slow = threading.Thread(
        target=run_in_thread, args=(drained, lambda: drain("sale", consumer="slow"))
    )
    slow.start()
    assert inside.wait(60)
    repair = threading.Thread(
        target=run_in_thread, args=(rebuilt, lambda: rebuild.rebuild_campaign("sale", actor="Mina"))
    )
    repair.start()
    repair.join(0.5)
    assert repair.is_alive()  # its lock waits for the batch
    go_on.set()
    slow.join(60)
    repair.join(60)
    assert (drained[0].stored, rebuilt[0].highest) == (3, 3)


def test_another_databases_campaign_of_the_same_name_is_left_alone(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    Campaign.objects.update(epoch="somebody-elses")
    with pytest.raises(ForeignKeys):
        rebuild.rebuild_campaign("sale", actor="Mina")
    assert store.store().recovery.gate_marks(["sale"])["sale"].epoch


def test_a_restored_database_continues_with_a_new_epoch(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    for _ in range(3):
        rebuild.rebuild_campaign("sale", actor="Mina")
    birth, _, count = Campaign.objects.get().epoch.partition(".")
    Campaign.objects.update(epoch=f"{birth}.1")
    assert epochs.open_under_old_epoch() == ["sale"]
    reconcile.reconcile_campaigns()
    assert Campaign.objects.get().epoch == f"{birth}.{int(count) + 1}"
    assert epochs.open_under_old_epoch() == []
